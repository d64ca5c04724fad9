"""What a rule gets to see: one module, the program around it, and a way to report."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from convdiag_lint.events import Evidence, Finding
from convdiag_lint.project.steps import Step, steps

if TYPE_CHECKING:
    from convdiag_lint.events import Place
    from convdiag_lint.project.program import Program
    from convdiag_lint.reading.syntax import Function, Module, Span


class ModuleView:
    """One module of a program, as the rules ask about it."""

    def __init__(self, program: Program, module: Module) -> None:
        self.program = program
        self.module = module

    @cached_property
    def functions(self) -> list[Function]:
        """The module level, then every function, in source order."""
        return [self.module.main, *self.module.functions]

    @cached_property
    def steps(self) -> list[Step]:
        """Training steps whose scope is in this module."""
        return [step for function in self.functions for step in steps(self.program, function)]

    def place(self, span: Span) -> Place:
        """Lines and columns of a span of this module."""
        return self.program.place(self.module, span)

    def finding(
        self,
        code: str,
        name: str,
        message: str,
        place: Place,
        scope: str,
        evidence: list[Evidence],
        unsure: bool = False,
    ) -> Finding:
        """A finding at a place."""
        return Finding(
            place.path, place.line, place.column, place.end_line, place.end_column,
            code, name, message, scope, tuple(evidence), unsure,
        )  # fmt: skip
