"""Where something happened, what happened there, and how the script ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Where:
    """A line of the user's code; empty path when no such line was on the stack."""

    path: str = ""
    line: int = 0
    function: str = ""

    def __str__(self) -> str:
        return f"{self.path}:{self.line}" if self.path else "(outside your code)"


@dataclass(slots=True)
class EventRecord:
    """One event of the shared vocabulary (`convdiag_lint.events.EventKind`, by value)."""

    kind: str
    where: Where
    step: int
    """Position in `Record.steps` of the update that it belongs to (the next one)."""
    optimizer: int | None = None
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Crash:
    """How the script ended when it ended badly."""

    type: str
    message: str
    traceback: str
    where: Where = field(default_factory=Where)
