"""libcst's tree to `syntax`, for source that the running Python's own parser is too old for.

What comes out is what `lower` makes of Python's tree, positions included.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import libcst as cst

from convdiag_lint.reading import syntax
from convdiag_lint.reading.cst_expressions import Expressions
from convdiag_lint.reading.spans import spans
from convdiag_lint.reading.syntax import Module, Stmt

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_AUGMENTED = {
    cst.AddAssign: "+", cst.SubtractAssign: "-", cst.MultiplyAssign: "*", cst.DivideAssign: "/",
    cst.FloorDivideAssign: "//", cst.ModuloAssign: "%", cst.PowerAssign: "**",
    cst.MatrixMultiplyAssign: "@", cst.BitAndAssign: "&", cst.BitOrAssign: "|",
    cst.BitXorAssign: "^", cst.LeftShiftAssign: "<<", cst.RightShiftAssign: ">>",
}  # fmt: skip


class _Lowering(Expressions):
    def block(self, node: cst.BaseSuite | cst.Else | cst.Finally | None) -> list[Stmt]:
        if node is None:
            return []
        if isinstance(node, (cst.Else, cst.Finally)):
            node = node.body
        found: list[Stmt] = []
        if isinstance(node, cst.SimpleStatementSuite):
            self.simple(node.body, found)
        else:
            self.statements(node.body, found)
        return found

    def statements(self, nodes: Sequence[Any], found: list[Stmt]) -> None:
        for node in nodes:
            if node.__class__ is cst.SimpleStatementLine:
                self.simple(node.body, found)
            else:
                reader = _COMPOUND.get(node.__class__)
                if reader is not None:
                    reader(self, node, found)

    def simple(self, nodes: Sequence[cst.BaseSmallStatement], found: list[Stmt]) -> None:
        for node in nodes:
            reader = _SIMPLE.get(node.__class__)
            if reader is not None:
                found.append(reader(self, node))

    def evaluate(self, node: cst.Expr) -> Stmt:
        return syntax.Evaluate(self.span(node), self.expr(node.value))

    def assign(self, node: cst.Assign) -> Stmt:
        value = self.expr(node.value)
        targets = [self.expr(target.target) for target in node.targets]
        for target in targets:
            self.note_write(target)
        return syntax.Assign(self.span(node), targets, value)

    def annotated(self, node: cst.AnnAssign) -> Stmt:
        value = self.optional(node.value)
        target = self.expr(node.target)
        self.note_write(target)
        return syntax.Assign(self.span(node), [target], value, self.expr(node.annotation.annotation))

    def augmented(self, node: cst.AugAssign) -> Stmt:
        target = self.expr(node.target)
        return syntax.Update(self.span(node), target, _AUGMENTED[node.operator.__class__], self.expr(node.value))

    def return_(self, node: cst.Return) -> Stmt:
        return syntax.Return(self.span(node), self.optional(node.value))

    def raise_(self, node: cst.Raise) -> Stmt:
        return syntax.Leave(self.span(node), "raise", self.optional(node.exc))

    def leave(self, node: cst.Break | cst.Continue | cst.Pass) -> Stmt:
        return syntax.Leave(self.span(node), node.__class__.__name__.lower())

    def assert_(self, node: cst.Assert) -> Stmt:
        return syntax.Assert(self.span(node), self.expr(node.test), self.optional(node.msg))

    def delete(self, node: cst.Del) -> Stmt:
        target = node.target
        # `del a, b` names two targets, `del (a, b)` one.
        several = isinstance(target, cst.Tuple) and not target.lpar
        made = self.expr(target)
        targets = made.items if several and isinstance(made, syntax.Sequence) else [made]
        return syntax.Delete(self.span(node), targets)

    def globals_(self, node: cst.Global | cst.Nonlocal) -> Stmt:
        if isinstance(node, cst.Global):
            self.function.globals.update(item.name.value for item in node.names)
        return syntax.Leave(self.span(node), "pass")

    def import_(self, node: cst.Import) -> Stmt:
        bindings: list[tuple[str, str, str | None]] = []
        for alias in node.names:
            dotted = _dotted(alias.name)
            if alias.asname is not None:
                assert isinstance(alias.asname.name, cst.Name)
                bindings.append((alias.asname.name.value, dotted, None))
            else:
                bindings.append((dotted.partition(".")[0], dotted.partition(".")[0], None))
        return syntax.Import(self.span(node), bindings)

    def import_from(self, node: cst.ImportFrom) -> Stmt:
        base = "." * len(node.relative) + (_dotted(node.module) if node.module is not None else "")
        bindings: list[tuple[str, str, str | None]] = []
        if isinstance(node.names, cst.ImportStar):
            bindings.append(("*", base, "*"))
        else:
            for alias in node.names:
                name = alias.name.value
                assert isinstance(name, str)
                local = name
                if alias.asname is not None and isinstance(alias.asname.name, cst.Name):
                    local = alias.asname.name.value
                bindings.append((local, base, name))
        return syntax.Import(self.span(node), bindings)

    def if_(self, node: cst.If, found: list[Stmt]) -> None:
        test = self.expr(node.test)
        body = self.block(node.body)
        orelse: list[Stmt] = []
        if isinstance(node.orelse, cst.If):
            self.if_(node.orelse, orelse)
        else:
            orelse = self.block(node.orelse)
        found.append(syntax.If(self.span(node), test, body, orelse))

    def with_(self, node: cst.With, found: list[Stmt]) -> None:
        items = []
        for item in node.items:
            value = self.expr(item.item)
            target = None if item.asname is None else self.expr(item.asname.name)
            items.append((value, target))
        found.append(syntax.With(self.span(node), items, self.block(node.body)))

    def function_(self, node: cst.FunctionDef, found: list[Stmt]) -> None:
        decorators = [self.expr(decorator.decorator) for decorator in node.decorators]
        returns = None if node.returns is None else node.returns.annotation
        found.append(self.define(node, node.name.value, decorators, node.params, returns))

    def class_(self, node: cst.ClassDef, found: list[Stmt]) -> None:
        bases = [self.expr(base.value) for base in node.bases]
        decorators = [self.expr(decorator.decorator) for decorator in node.decorators]
        found.append(self.define_class(node, node.name.value, bases, decorators))

    def parameters(self, node: cst.Parameters) -> list[syntax.Parameter]:
        found: list[syntax.Parameter] = []

        def add(param: cst.Param, kind: str) -> None:
            annotation = None if param.annotation is None else self.expr(param.annotation.annotation)
            found.append(syntax.Parameter(param.name.value, kind, self.optional(param.default), annotation))

        for param in (*node.posonly_params, *node.params):
            add(param, "positional")
        if isinstance(node.star_arg, cst.Param):
            add(node.star_arg, "*")
        for param in node.kwonly_params:
            add(param, "keyword")
        if node.star_kwarg is not None:
            add(node.star_kwarg, "**")
        return found


def _dotted(node: cst.BaseExpression | None) -> str:
    if isinstance(node, cst.Attribute):
        return f"{_dotted(node.value)}.{node.attr.value}"
    return node.value if isinstance(node, cst.Name) else ""


_SIMPLE: dict[type, Callable[[_Lowering, Any], Stmt]] = {
    cst.Expr: _Lowering.evaluate,
    cst.Assign: _Lowering.assign,
    cst.AnnAssign: _Lowering.annotated,
    cst.AugAssign: _Lowering.augmented,
    cst.Return: _Lowering.return_,
    cst.Raise: _Lowering.raise_,
    cst.Break: _Lowering.leave,
    cst.Continue: _Lowering.leave,
    cst.Pass: _Lowering.leave,
    cst.Assert: _Lowering.assert_,
    cst.Del: _Lowering.delete,
    cst.Global: _Lowering.globals_,
    cst.Nonlocal: _Lowering.globals_,
    cst.Import: _Lowering.import_,
    cst.ImportFrom: _Lowering.import_from,
}
_COMPOUND: dict[type, Callable[[_Lowering, Any, list[Stmt]], None]] = {
    cst.If: _Lowering.if_,
    cst.For: _Lowering.for_,
    cst.While: _Lowering.while_,
    cst.With: _Lowering.with_,
    cst.Try: _Lowering.try_,
    cst.TryStar: _Lowering.try_,
    cst.Match: _Lowering.match,
    cst.FunctionDef: _Lowering.function_,
    cst.ClassDef: _Lowering.class_,
}


def lower_cst(path: str, text: str) -> Module:
    """Read one module. Raises libcst.ParserSyntaxError, RecursionError."""
    tree = cst.parse_module(text)
    module = Module(path, text)
    _Lowering(module, spans(tree)).statements(tree.body, module.main.body)
    return module
