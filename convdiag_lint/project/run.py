"""What running one function on symbolic values gave."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from convdiag_lint.events import EventKind, Timeline

if TYPE_CHECKING:
    from convdiag_lint.events import Event, Frame, Guard
    from convdiag_lint.project.values import Call, Env, FuncVal, Value
    from convdiag_lint.reading.syntax import Function, Span


@dataclass(slots=True, eq=False)
class Site:
    """A call of a project function that was seen, with what it was given."""

    target: FuncVal
    given: dict[str, Value]
    """Parameter name to argument, for those that the caller passes."""
    caller: Function
    span: Span
    frames: tuple[Frame, ...]
    guards: tuple[Guard, ...]
    loops: tuple[int, ...]
    call: int
    """Number of the call if it was run through in place, else 0."""


@dataclass(slots=True, eq=False)
class Run:
    """One function, run from its start with unknown arguments."""

    function: Function
    env: Env
    heap: dict[tuple[int, str], Value] = field(default_factory=dict)
    """Attributes assigned to objects, by the object's id and the name."""
    objects: list[Value] = field(default_factory=list)
    """Keeps the objects of the heap alive, so that their ids stay theirs."""
    events: list[Event] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    """Every call that was not run through, in order."""
    sites: list[Site] = field(default_factory=list)
    tests: dict[int, Value] = field(default_factory=dict)
    """Condition number (as in guards) to what it tests."""
    result: Value | None = None
    done: bool = False
    truncated: bool = False
    """Whether the budget ran out: absence then proves nothing."""

    @property
    def timeline(self) -> Timeline:
        """The events of this run, to be asked of."""
        return Timeline(self.function.scope, tuple(self.events))

    @property
    def matters(self) -> bool:
        """Whether a caller must run through this function to know its own timeline."""
        return any(event.kind is not EventKind.OPAQUE for event in self.events)
