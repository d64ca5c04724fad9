"""libcst's tree to `syntax`, for source that the running Python's own parser is too old for.

What comes out is what `lower` makes of Python's tree, positions included.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

import libcst as cst

from convdiag_lint.reading import syntax
from convdiag_lint.reading.lowering import Lowering, negated
from convdiag_lint.reading.spans import Marks, spans
from convdiag_lint.reading.syntax import NOWHERE, Expr, Module, Span, Stmt

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_BINARY = {
    cst.Add: "+", cst.Subtract: "-", cst.Multiply: "*", cst.Divide: "/", cst.FloorDivide: "//",
    cst.Modulo: "%", cst.Power: "**", cst.MatrixMultiply: "@", cst.BitAnd: "&", cst.BitOr: "|",
    cst.BitXor: "^", cst.LeftShift: "<<", cst.RightShift: ">>",
}  # fmt: skip
_AUGMENTED = {
    cst.AddAssign: "+", cst.SubtractAssign: "-", cst.MultiplyAssign: "*", cst.DivideAssign: "/",
    cst.FloorDivideAssign: "//", cst.ModuloAssign: "%", cst.PowerAssign: "**",
    cst.MatrixMultiplyAssign: "@", cst.BitAndAssign: "&", cst.BitOrAssign: "|",
    cst.BitXorAssign: "^", cst.LeftShiftAssign: "<<", cst.RightShiftAssign: ">>",
}  # fmt: skip
_UNARY = {cst.Minus: "-", cst.Plus: "+", cst.BitInvert: "~"}
_COMPARE = {
    cst.Equal: "==", cst.NotEqual: "!=", cst.LessThan: "<", cst.LessThanEqual: "<=",
    cst.GreaterThan: ">", cst.GreaterThanEqual: ">=", cst.Is: "is", cst.IsNot: "is not",
    cst.In: "in", cst.NotIn: "not in",
}  # fmt: skip
_CONSTANTS = {"True": True, "False": False, "None": None}


class _Lowering(Lowering):
    plain_pattern = cst.MatchValue

    def __init__(self, module: Module, marks: Marks) -> None:
        super().__init__(module)
        self.marks = marks

    # Expressions -----------------------------------------------------------------------------

    def expr(self, node: cst.BaseExpression) -> Expr:
        return _EXPRESSIONS.get(node.__class__, _Lowering.other)(self, node)

    def span(self, node: cst.CSTNode) -> Span:
        return self.marks.get(id(node), NOWHERE)

    def other(self, node: cst.CSTNode) -> Expr:
        return syntax.Literal(Ellipsis)

    def name(self, node: cst.Name) -> Expr:
        value = node.value
        if value in _CONSTANTS:
            return syntax.Literal(_CONSTANTS[value])
        self.function.words.add(value)
        return syntax.Name(value)

    def string(self, node: cst.SimpleString) -> Expr:
        text = node.value
        quote = text[0]
        # Plain quotes without escapes are most strings, and reading them here is ten times faster.
        if quote in "'\"" and "\\" not in text and text[1] != quote:
            return syntax.Literal(text[1:-1])
        return self.literal(node)

    def integer(self, node: cst.Integer) -> Expr:
        text = node.value
        return syntax.Literal(int(text)) if text.isdigit() and len(text) < 19 else self.literal(node)

    def literal(self, node: cst.Integer | cst.Float | cst.Imaginary | cst.SimpleString) -> Expr:
        try:
            return syntax.Literal(ast.literal_eval(node.value))
        except (ValueError, SyntaxError, MemoryError):
            return syntax.Literal(Ellipsis)

    def attribute(self, node: cst.Attribute) -> Expr:
        name = node.attr.value
        base = self.expr(node.value)
        self.function.words.add(name)
        return syntax.Attribute(base, name)

    def call(self, node: cst.Call) -> Expr:
        func = self.expr(node.func)
        args: list[Expr] = []
        keywords: list[tuple[str | None, Expr]] = []
        for argument in node.args:
            value = self.expr(argument.value)
            if argument.keyword is not None:
                keywords.append((argument.keyword.value, value))
                self.function.words.add(argument.keyword.value)
            elif argument.star == "*":
                args.append(syntax.Starred(value))
            elif argument.star == "**":
                keywords.append((None, value))
            else:
                args.append(value)
        return syntax.Call(func, args, keywords, self.span(node))

    def binary(self, node: cst.BinaryOperation) -> Expr:
        left = self.expr(node.left)
        return syntax.Operation(_BINARY[node.operator.__class__], [left, self.expr(node.right)])

    def unary(self, node: cst.UnaryOperation) -> Expr:
        value = self.expr(node.expression)
        if isinstance(node.operator, cst.Not):
            return syntax.Logic("not", [value])
        return negated(_UNARY[node.operator.__class__], value)

    def boolean(self, node: cst.BooleanOperation) -> Expr:
        op = "and" if isinstance(node.operator, cst.And) else "or"
        return syntax.Logic(op, [self.expr(node.left), self.expr(node.right)])

    def comparison(self, node: cst.Comparison) -> Expr:
        operands = [self.expr(node.left)]
        ops = []
        for target in node.comparisons:
            ops.append(_COMPARE[target.operator.__class__])
            operands.append(self.expr(target.comparator))
        return syntax.Comparison(ops, operands)

    def subscript(self, node: cst.Subscript) -> Expr:
        base = self.expr(node.value)
        items = [self.index(element.slice) for element in node.slice]
        # `x[1,]` is an index by a tuple, and so is `x[*i]`.
        single = len(items) == 1 and not isinstance(node.slice[0].comma, cst.Comma)
        plain = single and not isinstance(items[0], syntax.Starred)
        return syntax.Subscript(base, items[0] if plain else syntax.Sequence("tuple", items))

    def index(self, node: cst.BaseSlice) -> Expr:
        if isinstance(node, cst.Slice):
            lower, upper = self.optional(node.lower), self.optional(node.upper)
            return syntax.Slice(lower, upper, self.optional(node.step))
        assert isinstance(node, cst.Index)
        value = self.expr(node.value)
        return syntax.Starred(value) if node.star else value

    def sequence(self, node: cst.Tuple | cst.List | cst.Set) -> Expr:
        items: list[Expr] = []
        for element in node.elements:
            value = self.expr(element.value)
            items.append(syntax.Starred(value) if isinstance(element, cst.StarredElement) else value)
        return syntax.Sequence(node.__class__.__name__.lower(), items)

    def mapping(self, node: cst.Dict) -> Expr:
        items: list[tuple[Expr | None, Expr]] = []
        for element in node.elements:
            if isinstance(element, cst.DictElement):
                key = self.expr(element.key)
                items.append((key, self.expr(element.value)))
            else:
                items.append((None, self.expr(element.value)))
        return syntax.Mapping(items)

    def comprehension(self, node: cst.ListComp | cst.SetComp | cst.GeneratorExp) -> Expr:
        return syntax.Comprehension(node.__class__.__name__, self.expr(node.elt), self.clauses(node.for_in))

    def dict_comprehension(self, node: cst.DictComp) -> Expr:
        pair = syntax.Sequence("tuple", [self.expr(node.key), self.expr(node.value)])
        return syntax.Comprehension("DictComp", pair, self.clauses(node.for_in))

    def clauses(self, node: cst.CompFor | None) -> list[tuple[Expr, Expr, list[Expr]]]:
        found = []
        while node is not None:
            tests = [self.expr(test.test) for test in node.ifs]
            found.append((self.expr(node.target), self.expr(node.iter), tests))
            node = node.inner_for_in
        return found

    def lambda_(self, node: cst.Lambda) -> Expr:
        return self.anonymous(node, node.params)

    def format(self, node: cst.FormattedString) -> Expr:
        parts = [self.expr(part.expression) for part in node.parts if isinstance(part, cst.FormattedStringExpression)]
        return syntax.Format(parts)

    def concatenated(self, node: cst.ConcatenatedString) -> Expr:
        left, right = self.expr(node.left), self.expr(node.right)
        if isinstance(left, syntax.Literal) and isinstance(right, syntax.Literal):
            texts = left.value, right.value
            if isinstance(texts[0], str) and isinstance(texts[1], str):
                return syntax.Literal(texts[0] + texts[1])
            if isinstance(texts[0], bytes) and isinstance(texts[1], bytes):
                return syntax.Literal(texts[0] + texts[1])
        return syntax.Format([p for part in (left, right) if isinstance(part, syntax.Format) for p in part.parts])

    def suspend(self, node: cst.Await | cst.Yield) -> Expr:
        if isinstance(node, cst.Await):
            return syntax.Suspend("await", self.expr(node.expression))
        self.function.generator = True
        value = node.value.item if isinstance(node.value, cst.From) else node.value
        return syntax.Suspend("yield", self.optional(value))

    # Statements ------------------------------------------------------------------------------

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


_EXPRESSIONS: dict[type, Callable[[_Lowering, Any], Expr]] = {
    cst.Name: _Lowering.name,
    cst.Integer: _Lowering.integer,
    cst.Float: _Lowering.literal,
    cst.Imaginary: _Lowering.literal,
    cst.SimpleString: _Lowering.string,
    cst.Attribute: _Lowering.attribute,
    cst.Call: _Lowering.call,
    cst.BinaryOperation: _Lowering.binary,
    cst.UnaryOperation: _Lowering.unary,
    cst.BooleanOperation: _Lowering.boolean,
    cst.Comparison: _Lowering.comparison,
    cst.Subscript: _Lowering.subscript,
    cst.Tuple: _Lowering.sequence,
    cst.List: _Lowering.sequence,
    cst.Set: _Lowering.sequence,
    cst.Dict: _Lowering.mapping,
    cst.IfExp: _Lowering.conditional,
    cst.ListComp: _Lowering.comprehension,
    cst.SetComp: _Lowering.comprehension,
    cst.GeneratorExp: _Lowering.comprehension,
    cst.DictComp: _Lowering.dict_comprehension,
    cst.Lambda: _Lowering.lambda_,
    cst.FormattedString: _Lowering.format,
    cst.ConcatenatedString: _Lowering.concatenated,
    cst.Await: _Lowering.suspend,
    cst.Yield: _Lowering.suspend,
    cst.NamedExpr: _Lowering.walrus,
}
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
