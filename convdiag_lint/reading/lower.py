"""Python's own tree to `syntax`, in one pass.

The parser that comes with Python is ten times faster than libcst's, and a linter of training code
reads far more of the files around a training step than it will ever edit: white space, comments and
brackets are worth their price only in a file that is rewritten.
"""

from __future__ import annotations

import ast
import warnings
from typing import TYPE_CHECKING, Any

from convdiag_lint.reading import syntax
from convdiag_lint.reading.lowering import Lowering, negated
from convdiag_lint.reading.source import line_starts
from convdiag_lint.reading.syntax import Expr, Module, Span, Stmt

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_OPERATORS = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%",
    ast.Pow: "**", ast.MatMult: "@", ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^",
    ast.LShift: "<<", ast.RShift: ">>", ast.USub: "-", ast.UAdd: "+", ast.Invert: "~",
    ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
    ast.Is: "is", ast.IsNot: "is not", ast.In: "in", ast.NotIn: "not in",
}  # fmt: skip


class _Lowering(Lowering):
    plain_pattern = ast.MatchValue

    def __init__(self, module: Module) -> None:
        super().__init__(module)
        self.starts = line_starts(module.text)
        # Python counts columns in bytes: the same as characters in nearly every file.
        self.span: Callable[[Any], Span] = self.plain_span if module.text.isascii() else self.counted_span
        self.lines: dict[int, str] = {}

    # Places ----------------------------------------------------------------------------------

    def plain_span(self, node: Any) -> Span:
        starts = self.starts
        return starts[node.lineno - 1] + node.col_offset, starts[node.end_lineno - 1] + node.end_col_offset

    def counted_span(self, node: Any) -> Span:
        return self.offset(node.lineno, node.col_offset), self.offset(node.end_lineno, node.end_col_offset)

    def offset(self, line: int, column: int) -> int:
        start = self.starts[line - 1]
        text = self.lines.get(line)
        if text is None:
            text = self.lines[line] = self.module.text[start : self.starts[line]]
        return start + (column if text.isascii() else len(text.encode()[:column].decode("utf-8", "replace")))

    # Expressions -----------------------------------------------------------------------------

    def expr(self, node: ast.expr) -> Expr:
        return _EXPRESSIONS.get(node.__class__, _Lowering.other)(self, node)

    def exprs(self, nodes: Sequence[ast.expr]) -> list[Expr]:
        return [_EXPRESSIONS.get(node.__class__, _Lowering.other)(self, node) for node in nodes]

    def other(self, node: ast.expr) -> Expr:
        return syntax.Literal(Ellipsis)

    def name(self, node: ast.Name) -> Expr:
        self.function.words.add(node.id)
        return syntax.Name(node.id)

    def constant(self, node: ast.Constant) -> Expr:
        return syntax.Literal(node.value)

    def attribute(self, node: ast.Attribute) -> Expr:
        base = self.expr(node.value)
        self.function.words.add(node.attr)
        return syntax.Attribute(base, node.attr)

    def call(self, node: ast.Call) -> Expr:
        func = self.expr(node.func)
        args = self.exprs(node.args)
        keywords: list[tuple[str | None, Expr]] = []
        for keyword in node.keywords:
            keywords.append((keyword.arg, self.expr(keyword.value)))
            if keyword.arg is not None:
                self.function.words.add(keyword.arg)
        return syntax.Call(func, args, keywords, self.span(node))

    def binary(self, node: ast.BinOp) -> Expr:
        return syntax.Operation(_OPERATORS[node.op.__class__], [self.expr(node.left), self.expr(node.right)])

    def unary(self, node: ast.UnaryOp) -> Expr:
        value = self.expr(node.operand)
        if isinstance(node.op, ast.Not):
            return syntax.Logic("not", [value])
        return negated(_OPERATORS[node.op.__class__], value)

    def boolean(self, node: ast.BoolOp) -> Expr:
        op = "and" if isinstance(node.op, ast.And) else "or"
        made = self.expr(node.values[0])
        for value in node.values[1:]:
            made = syntax.Logic(op, [made, self.expr(value)])
        return made

    def comparison(self, node: ast.Compare) -> Expr:
        ops = [_OPERATORS[op.__class__] for op in node.ops]
        return syntax.Comparison(ops, [self.expr(node.left), *self.exprs(node.comparators)])

    def subscript(self, node: ast.Subscript) -> Expr:
        return syntax.Subscript(self.expr(node.value), self.expr(node.slice))

    def slice(self, node: ast.Slice) -> Expr:
        return syntax.Slice(self.optional(node.lower), self.optional(node.upper), self.optional(node.step))

    def sequence(self, node: ast.Tuple | ast.List | ast.Set) -> Expr:
        return syntax.Sequence(node.__class__.__name__.lower(), self.exprs(node.elts))

    def starred(self, node: ast.Starred) -> Expr:
        return syntax.Starred(self.expr(node.value))

    def mapping(self, node: ast.Dict) -> Expr:
        return syntax.Mapping([(self.optional(k), self.expr(v)) for k, v in zip(node.keys, node.values, strict=True)])

    def comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp) -> Expr:
        return syntax.Comprehension(node.__class__.__name__, self.expr(node.elt), self.clauses(node.generators))

    def dict_comprehension(self, node: ast.DictComp) -> Expr:
        pair = syntax.Sequence("tuple", [self.expr(node.key), self.expr(node.value)])
        return syntax.Comprehension("DictComp", pair, self.clauses(node.generators))

    def clauses(self, nodes: list[ast.comprehension]) -> list[tuple[Expr, Expr, list[Expr]]]:
        return [(self.expr(node.target), self.expr(node.iter), self.exprs(node.ifs)) for node in nodes]

    def lambda_(self, node: ast.Lambda) -> Expr:
        return self.anonymous(node, node.args)

    def format(self, node: ast.JoinedStr) -> Expr:
        return syntax.Format([self.expr(part.value) for part in node.values if isinstance(part, ast.FormattedValue)])

    def await_(self, node: ast.Await) -> Expr:
        return syntax.Suspend("await", self.expr(node.value))

    def yield_(self, node: ast.Yield | ast.YieldFrom) -> Expr:
        self.function.generator = True
        return syntax.Suspend("yield", self.optional(node.value))

    # Statements ------------------------------------------------------------------------------

    def block(self, nodes: Sequence[ast.stmt]) -> list[Stmt]:
        found: list[Stmt] = []
        for node in nodes:
            reader = _STATEMENTS.get(node.__class__)
            if reader is not None:
                reader(self, node, found)
        return found

    def evaluate(self, node: ast.Expr, found: list[Stmt]) -> None:
        found.append(syntax.Evaluate(self.span(node), self.expr(node.value)))

    def assign(self, node: ast.Assign, found: list[Stmt]) -> None:
        value = self.expr(node.value)
        targets = self.exprs(node.targets)
        for target in targets:
            self.note_write(target)
        found.append(syntax.Assign(self.span(node), targets, value))

    def annotated(self, node: ast.AnnAssign, found: list[Stmt]) -> None:
        value = self.optional(node.value)
        target = self.expr(node.target)
        self.note_write(target)
        found.append(syntax.Assign(self.span(node), [target], value, self.expr(node.annotation)))

    def augmented(self, node: ast.AugAssign, found: list[Stmt]) -> None:
        op = _OPERATORS[node.op.__class__]
        found.append(syntax.Update(self.span(node), self.expr(node.target), op, self.expr(node.value)))

    def return_(self, node: ast.Return, found: list[Stmt]) -> None:
        found.append(syntax.Return(self.span(node), self.optional(node.value)))

    def raise_(self, node: ast.Raise, found: list[Stmt]) -> None:
        found.append(syntax.Leave(self.span(node), "raise", self.optional(node.exc)))

    def leave(self, node: ast.Break | ast.Continue | ast.Pass, found: list[Stmt]) -> None:
        found.append(syntax.Leave(self.span(node), node.__class__.__name__.lower()))

    def assert_(self, node: ast.Assert, found: list[Stmt]) -> None:
        found.append(syntax.Assert(self.span(node), self.expr(node.test), self.optional(node.msg)))

    def delete(self, node: ast.Delete, found: list[Stmt]) -> None:
        found.append(syntax.Delete(self.span(node), self.exprs(node.targets)))

    def global_(self, node: ast.Global, found: list[Stmt]) -> None:
        self.function.globals.update(node.names)
        self.nonlocal_(node, found)

    def nonlocal_(self, node: ast.Global | ast.Nonlocal, found: list[Stmt]) -> None:
        found.append(syntax.Leave(self.span(node), "pass"))

    def import_(self, node: ast.Import, found: list[Stmt]) -> None:
        bindings: list[tuple[str, str, str | None]] = []
        for alias in node.names:
            top = alias.name.partition(".")[0]
            bindings.append((alias.asname, alias.name, None) if alias.asname else (top, top, None))
        found.append(syntax.Import(self.span(node), bindings))

    def import_from(self, node: ast.ImportFrom, found: list[Stmt]) -> None:
        base = "." * node.level + (node.module or "")
        bindings: list[tuple[str, str, str | None]] = [
            (alias.asname or alias.name, base, alias.name) for alias in node.names
        ]
        found.append(syntax.Import(self.span(node), bindings))

    def if_(self, node: ast.If, found: list[Stmt]) -> None:
        test = self.expr(node.test)
        body = self.block(node.body)
        found.append(syntax.If(self.span(node), test, body, self.block(node.orelse)))

    def with_(self, node: ast.With | ast.AsyncWith, found: list[Stmt]) -> None:
        items = [(self.expr(item.context_expr), self.optional(item.optional_vars)) for item in node.items]
        found.append(syntax.With(self.span(node), items, self.block(node.body)))

    def function_(self, node: ast.FunctionDef | ast.AsyncFunctionDef, found: list[Stmt]) -> None:
        decorators = self.exprs(node.decorator_list)
        found.append(self.define(node, node.name, decorators, node.args, node.returns))

    def class_(self, node: ast.ClassDef, found: list[Stmt]) -> None:
        bases = self.exprs([base.value if isinstance(base, ast.Starred) else base for base in node.bases])
        found.append(self.define_class(node, node.name, bases, self.exprs(node.decorator_list)))

    def parameters(self, node: ast.arguments) -> list[syntax.Parameter]:
        found: list[syntax.Parameter] = []

        def add(param: ast.arg, kind: str, default: ast.expr | None) -> None:
            annotation = self.optional(param.annotation)
            found.append(syntax.Parameter(param.arg, kind, self.optional(default), annotation))

        plain = [*node.posonlyargs, *node.args]
        bare = len(plain) - len(node.defaults)
        for position, param in enumerate(plain):
            add(param, "positional", node.defaults[position - bare] if position >= bare else None)
        if node.vararg is not None:
            add(node.vararg, "*", None)
        for param, default in zip(node.kwonlyargs, node.kw_defaults, strict=True):
            add(param, "keyword", default)
        if node.kwarg is not None:
            add(node.kwarg, "**", None)
        return found


_EXPRESSIONS: dict[type, Callable[[_Lowering, Any], Expr]] = {
    ast.Name: _Lowering.name,
    ast.Constant: _Lowering.constant,
    ast.Attribute: _Lowering.attribute,
    ast.Call: _Lowering.call,
    ast.BinOp: _Lowering.binary,
    ast.UnaryOp: _Lowering.unary,
    ast.BoolOp: _Lowering.boolean,
    ast.Compare: _Lowering.comparison,
    ast.Subscript: _Lowering.subscript,
    ast.Slice: _Lowering.slice,
    ast.Tuple: _Lowering.sequence,
    ast.List: _Lowering.sequence,
    ast.Set: _Lowering.sequence,
    ast.Starred: _Lowering.starred,
    ast.Dict: _Lowering.mapping,
    ast.IfExp: _Lowering.conditional,
    ast.ListComp: _Lowering.comprehension,
    ast.SetComp: _Lowering.comprehension,
    ast.GeneratorExp: _Lowering.comprehension,
    ast.DictComp: _Lowering.dict_comprehension,
    ast.Lambda: _Lowering.lambda_,
    ast.JoinedStr: _Lowering.format,
    ast.Await: _Lowering.await_,
    ast.Yield: _Lowering.yield_,
    ast.YieldFrom: _Lowering.yield_,
    ast.NamedExpr: _Lowering.walrus,
}
_STATEMENTS: dict[type, Callable[[_Lowering, Any, list[Stmt]], None]] = {
    ast.Expr: _Lowering.evaluate,
    ast.Assign: _Lowering.assign,
    ast.AnnAssign: _Lowering.annotated,
    ast.AugAssign: _Lowering.augmented,
    ast.Return: _Lowering.return_,
    ast.Raise: _Lowering.raise_,
    ast.Break: _Lowering.leave,
    ast.Continue: _Lowering.leave,
    ast.Pass: _Lowering.leave,
    ast.Assert: _Lowering.assert_,
    ast.Delete: _Lowering.delete,
    ast.Global: _Lowering.global_,
    ast.Nonlocal: _Lowering.nonlocal_,
    ast.Import: _Lowering.import_,
    ast.ImportFrom: _Lowering.import_from,
    ast.If: _Lowering.if_,
    ast.For: _Lowering.for_,
    ast.AsyncFor: _Lowering.for_,
    ast.While: _Lowering.while_,
    ast.With: _Lowering.with_,
    ast.AsyncWith: _Lowering.with_,
    ast.Try: _Lowering.try_,
    ast.Match: _Lowering.match,
    ast.FunctionDef: _Lowering.function_,
    ast.AsyncFunctionDef: _Lowering.function_,
    ast.ClassDef: _Lowering.class_,
}
if hasattr(ast, "TryStar"):  # since Python 3.11
    _STATEMENTS[ast.TryStar] = _Lowering.try_


def lower(path: str, text: str) -> Module:
    """Read one module. Raises SyntaxError, ValueError, RecursionError, MemoryError."""
    with warnings.catch_warnings():
        # An odd escape in somebody's string is not for us to print.
        warnings.simplefilter("ignore")
        tree = ast.parse(text)
    module = Module(path, text)
    module.main.body = _Lowering(module).block(tree.body)
    return module
