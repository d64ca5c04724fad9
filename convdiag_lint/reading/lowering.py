"""What lowering a tree to `syntax` needs, whichever parser the tree is from."""

from __future__ import annotations

import abc
from typing import TYPE_CHECKING, Any

from convdiag_lint.reading import syntax
from convdiag_lint.reading.syntax import Class, Function

if TYPE_CHECKING:
    from collections.abc import Callable

    from convdiag_lint.reading.syntax import Expr, Module, Span, Stmt


class Lowering(abc.ABC):
    """Where in a module the lowering is, and what both trees name alike."""

    span: Callable[[Any], Span]
    """Where a node stands."""
    plain_pattern: type[Any]
    """The pattern of a `match` that is a value to compare with."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self.function = module.main
        """The function around a node."""
        self.owner: Class | None = None
        """The class around it, within that function."""
        self.prefix = ""

    @abc.abstractmethod
    def expr(self, node: Any) -> Expr:
        """Lower an expression."""

    @abc.abstractmethod
    def block(self, node: Any) -> list[Stmt]:
        """Lower the statements of a body; none for one that is left out."""

    @abc.abstractmethod
    def parameters(self, node: Any) -> list[syntax.Parameter]:
        """Lower the parameters of a function."""

    # Expressions -----------------------------------------------------------------------------

    def optional(self, node: Any) -> Expr | None:
        return None if node is None else self.expr(node)

    def conditional(self, node: Any) -> Expr:
        return syntax.Conditional(self.expr(node.test), self.expr(node.body), self.expr(node.orelse))

    def walrus(self, node: Any) -> Expr:
        return syntax.Walrus(self.expr(node.target), self.expr(node.value))

    def anonymous(self, node: Any, parameters: Any) -> Expr:
        """Lower a lambda."""
        scope = f"{self.prefix}<lambda>"
        function = Function("<lambda>", scope, self.module, outer=self.function, span=self.span(node))
        with _Inside(self, function, ""):
            function.parameters = self.parameters(parameters)
            function.body = [syntax.Return(function.span, self.expr(node.body))]
        return syntax.Lambda(function)

    # Statements ------------------------------------------------------------------------------

    def for_(self, node: Any, found: list[Stmt]) -> None:
        iterable, target = self.expr(node.iter), self.expr(node.target)
        self.note_write(target)
        found.append(syntax.For(self.span(node), target, iterable, self.block(node.body), self.block(node.orelse)))

    def while_(self, node: Any, found: list[Stmt]) -> None:
        test = self.expr(node.test)
        found.append(syntax.While(self.span(node), test, self.block(node.body), self.block(node.orelse)))

    def try_(self, node: Any, found: list[Stmt]) -> None:
        body = self.block(node.body)
        handlers = [self.block(handler.body) for handler in node.handlers]
        orelse, final = self.block(node.orelse), self.block(node.finalbody)
        found.append(syntax.Try(self.span(node), body, handlers, orelse, final))

    def match(self, node: Any, found: list[Stmt]) -> None:
        subject = self.expr(node.subject)
        read = []
        for case in node.cases:
            pattern = case.pattern
            value = self.expr(pattern.value) if isinstance(pattern, self.plain_pattern) else None
            read.append((value, self.block(case.body)))
        found.extend(_cases(self.span(node), subject, read))

    def define(self, node: Any, name: str, decorators: list[Expr], parameters: Any, returns: Any) -> Stmt:
        """Lower the definition of a function or method."""
        function = Function(
            name, self.prefix + name, self.module, decorators=decorators, owner=self.owner,
            outer=self.function, span=self.span(node),
        )  # fmt: skip
        self.module.functions.append(function)
        if self.owner is not None:
            self.owner.methods[name] = function
        with _Inside(self, function, f"{self.prefix}{name}."):
            function.parameters = self.parameters(parameters)
            function.returns = self.optional(returns)
            function.body = self.block(node.body)
        return syntax.Define(function.span, function)

    def define_class(self, node: Any, name: str, bases: list[Expr], decorators: list[Expr]) -> Stmt:
        """Lower the definition of a class."""
        made = Class(
            name, self.prefix + name, self.module, bases=bases, decorators=decorators,
            outer=self.function, span=self.span(node),
        )  # fmt: skip
        self.module.classes.append(made)
        owner, prefix = self.owner, self.prefix
        self.owner, self.prefix = made, f"{prefix}{name}."
        made.body = self.block(node.body)
        self.owner, self.prefix = owner, prefix
        _note_fields(made)
        return syntax.Define(made.span, made)

    def note_write(self, target: Expr) -> None:
        """Remember which method assigns which attribute of its object."""
        if isinstance(target, syntax.Sequence):
            for item in target.items:
                self.note_write(item)
        elif isinstance(target, syntax.Starred):
            self.note_write(target.value)
        elif isinstance(target, syntax.Attribute) and isinstance(target.base, syntax.Name):
            method: Function | None = self.function
            while method is not None and method.owner is None:
                method = method.outer
            if method is None or not method.parameters or method.parameters[0].name != target.base.id:
                return
            assert method.owner is not None
            writers = method.owner.writers.setdefault(target.name, [])
            if method not in writers:
                writers.append(method)


class _Inside:
    """Lower into a nested function, then come back and hand its words up."""

    def __init__(self, lowering: Lowering, function: Function, prefix: str) -> None:
        self.lowering = lowering
        self.function = function
        self.prefix = prefix

    def __enter__(self) -> None:
        low = self.lowering
        self.saved = low.function, low.owner, low.prefix
        low.function, low.owner = self.function, None
        low.prefix = self.prefix or low.prefix

    def __exit__(self, *_: object) -> None:
        low = self.lowering
        low.function, low.owner, low.prefix = self.saved
        low.function.words |= self.function.words


def negated(op: str, value: Expr) -> Expr:
    """A sign or `~` before a value; a number with a minus is a number."""
    if op == "-" and isinstance(value, syntax.Literal) and isinstance(value.value, (int, float)):
        return syntax.Literal(-value.value)
    return syntax.Operation(op, [value])


def _cases(span: Span, subject: Expr, found: list[tuple[Expr | None, list[Stmt]]]) -> list[Stmt]:
    """A `match` as an if-chain; a pattern that is no plain value is a test of nothing known."""
    chain: list[Stmt] = []
    for value, body in reversed(found):
        test: Expr = (
            syntax.Comparison(["=="], [subject, value])
            if value is not None
            else syntax.Comparison(["is"], [subject, syntax.Literal(Ellipsis)])
        )
        chain = [syntax.If(span, test, body, chain)]
    return chain


def _note_fields(made: Class) -> None:
    """Remember the names that a class body assigns."""
    for stmt in made.body:
        if isinstance(stmt, syntax.Assign):
            for target in stmt.targets:
                if isinstance(target, syntax.Name):
                    made.fields[target.id] = (stmt.annotation, stmt.value)
