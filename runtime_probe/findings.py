"""Lint meets run: the linter's findings for the files that ran, confirmed or refuted by what happened."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runtime_probe.checks.base import Result
    from runtime_probe.record import Record


@dataclass(frozen=True, slots=True)
class Judged:
    """A finding of the linter, and what the run says to it."""

    code: str
    name: str
    path: str
    line: int
    message: str
    verdict: str
    """`confirmed`, `refuted` or `not exercised`."""
    reason: str
    """With the number that decided."""
    numbers: dict[str, Any] = field(default_factory=dict)


def judge(record: Record, results: list[Result]) -> list[Judged]:
    """Return a verdict for each finding in the user's files that ran."""
    return []
