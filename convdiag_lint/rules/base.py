"""What a rule is: its metadata, and a question to an analysed module."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from convdiag_lint.reading import gate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from convdiag_lint.events import Finding
    from convdiag_lint.project.view import ModuleView


@dataclass(frozen=True, slots=True)
class Rule:
    """A smell: the metadata that explain, docs and messages are made from, and the check."""

    code: str
    name: str
    summary: str
    """One line, what is flagged."""
    seed: str
    """The sentence of the source document that this rule answers."""
    why: str
    example: str
    """Code that is flagged."""
    fix: str
    """The same code, mended."""
    check: Callable[[ModuleView], Iterable[Finding]]
    concerns: Callable[[bytes], bool] = gate.steps
    """Whether the rule has anything to ask of a file with these bytes."""
