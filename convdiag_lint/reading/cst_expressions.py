# ruff: noqa: D102 - each method reads the node in its signature
"""libcst's expressions to `syntax`; its statements are read by `lower_cst`."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

import libcst as cst

from convdiag_lint.reading import syntax
from convdiag_lint.reading.lowering import Lowering, negated
from convdiag_lint.reading.syntax import NOWHERE, Expr, Module, Span

if TYPE_CHECKING:
    from collections.abc import Callable

    from convdiag_lint.reading.spans import Marks

_BINARY = {
    cst.Add: "+", cst.Subtract: "-", cst.Multiply: "*", cst.Divide: "/", cst.FloorDivide: "//",
    cst.Modulo: "%", cst.Power: "**", cst.MatrixMultiply: "@", cst.BitAnd: "&", cst.BitOr: "|",
    cst.BitXor: "^", cst.LeftShift: "<<", cst.RightShift: ">>",
}  # fmt: skip
_UNARY = {cst.Minus: "-", cst.Plus: "+", cst.BitInvert: "~"}
_COMPARE = {
    cst.Equal: "==", cst.NotEqual: "!=", cst.LessThan: "<", cst.LessThanEqual: "<=",
    cst.GreaterThan: ">", cst.GreaterThanEqual: ">=", cst.Is: "is", cst.IsNot: "is not",
    cst.In: "in", cst.NotIn: "not in",
}  # fmt: skip
_CONSTANTS = {"True": True, "False": False, "None": None}


class Expressions(Lowering):
    """Reads expressions; a subclass reads the blocks and parameters that lambdas and the like hold."""

    plain_pattern = cst.MatchValue

    def __init__(self, module: Module, marks: Marks) -> None:
        super().__init__(module)
        self.marks = marks

    def expr(self, node: cst.BaseExpression) -> Expr:
        return _EXPRESSIONS.get(node.__class__, Expressions.other)(self, node)

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


_EXPRESSIONS: dict[type, Callable[[Expressions, Any], Expr]] = {
    cst.Name: Expressions.name,
    cst.Integer: Expressions.integer,
    cst.Float: Expressions.literal,
    cst.Imaginary: Expressions.literal,
    cst.SimpleString: Expressions.string,
    cst.Attribute: Expressions.attribute,
    cst.Call: Expressions.call,
    cst.BinaryOperation: Expressions.binary,
    cst.UnaryOperation: Expressions.unary,
    cst.BooleanOperation: Expressions.boolean,
    cst.Comparison: Expressions.comparison,
    cst.Subscript: Expressions.subscript,
    cst.Tuple: Expressions.sequence,
    cst.List: Expressions.sequence,
    cst.Set: Expressions.sequence,
    cst.Dict: Expressions.mapping,
    cst.IfExp: Expressions.conditional,
    cst.ListComp: Expressions.comprehension,
    cst.SetComp: Expressions.comprehension,
    cst.GeneratorExp: Expressions.comprehension,
    cst.DictComp: Expressions.dict_comprehension,
    cst.Lambda: Expressions.lambda_,
    cst.FormattedString: Expressions.format,
    cst.ConcatenatedString: Expressions.concatenated,
    cst.Await: Expressions.suspend,
    cst.Yield: Expressions.suspend,
    cst.NamedExpr: Expressions.walrus,
}
