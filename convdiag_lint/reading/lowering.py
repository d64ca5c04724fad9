"""What lowering a tree to `syntax` needs, whichever parser the tree is from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convdiag_lint.reading import syntax

if TYPE_CHECKING:
    from convdiag_lint.reading.syntax import Class, Expr, Function, Module


class Lowering:
    """Where in a module the lowering is: the function and the class around a node."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self.function = module.main
        self.owner: Class | None = None
        self.prefix = ""

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


class Inside:
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


def cases(span: syntax.Span, subject: Expr, found: list[tuple[Expr | None, list[syntax.Stmt]]]) -> list[syntax.Stmt]:
    """A `match` as an if-chain; a pattern that is no plain value is a test of nothing known."""
    chain: list[syntax.Stmt] = []
    for value, body in reversed(found):
        test: Expr = (
            syntax.Comparison(["=="], [subject, value])
            if value is not None
            else syntax.Comparison(["is"], [subject, syntax.Literal(Ellipsis)])
        )
        chain = [syntax.If(span, test, body, chain)]
    return chain


def note_fields(made: Class) -> None:
    """Remember the names that a class body assigns."""
    for stmt in made.body:
        if isinstance(stmt, syntax.Assign):
            for target in stmt.targets:
                if isinstance(target, syntax.Name):
                    made.fields[target.id] = (stmt.annotation, stmt.value)
