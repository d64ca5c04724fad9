"""The vocabulary of a training step, shared by the linter and the probe.

A training step is a timeline of events: fetch batch, forward, loss, check finite, backward,
unscale, clip, step, clear gradients, save. The linter predicts the timeline from source, the
probe observes it; rules are questions to a timeline and do not care which of the two made it.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class EventKind(str, enum.Enum):
    """What happened in a training step."""

    FORWARD = "forward"
    """A model under training was called."""
    CHECK_FINITE = "check finite"
    """A test for NaN or Inf whose outcome prevents the update or ends the run."""
    BACKWARD = "backward"
    """Gradients of a loss were computed."""
    UNSCALE = "unscale"
    """A gradient scaler divided the gradients by its scale."""
    CLIP = "clip"
    """Gradients were bounded by norm or by value."""
    STEP = "step"
    """An optimizer updated parameters."""
    CLEAR = "clear gradients"
    """Gradients were set to zero or None."""
    SAVE = "save"
    """A checkpoint or another file left the process."""
    OPAQUE = "opaque call"
    """A call that could not be read received the loss, the optimizer, the model or gradients."""


@dataclass(frozen=True, slots=True)
class Place:
    """A range of source; lines and columns start at 1, the end column is exclusive."""

    path: str
    line: int
    column: int
    end_line: int
    end_column: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


@dataclass(frozen=True, slots=True)
class Guard:
    """One branch of one condition that an event depends on."""

    condition: int
    branch: str


@dataclass(frozen=True, slots=True)
class Frame:
    """One function on the way from the start of a timeline to an event."""

    function: object
    """Compared by identity."""
    call: int
    """Number of the call in this timeline; 0 for the function that the timeline starts in."""


class EventAttributes(TypedDict, total=False):
    """What is known of an event beyond its subject; what a kind does not speak of is left out."""

    around: tuple[object, ...]
    """Contexts of the `with` blocks and decorators around it, outermost first."""
    wrapper: object
    """Backward: what was handed the loss, an accelerator or an engine; None if it is the loss's own."""
    apart: bool
    """Backward: its gradients are kept away from those of other passes."""
    scaler: object
    """Step and unscale: the gradient scaler, None for a step without one."""
    engine: bool
    """Step: an engine clips, scales and clears by itself."""
    closure: object
    """Step: the function that works out the loss again, if there is one."""
    library: bool
    """Clip: a method of a library, which knows of its own scaling."""
    hook: bool
    """Clip: at each backward, from a hook."""
    call: object
    """Clip: the call that clips, or the value that was assigned."""
    ended: str
    """Finite check: what its outcome ends, such as `raise`, `return`, `continue`."""
    anomaly: str
    """Finite check: the function that turned torch's anomaly detection on."""


@dataclass(frozen=True, slots=True, eq=False)
class Event:
    """One thing that happens in a training step, and under which circumstances."""

    kind: EventKind
    place: Place
    subject: object = None
    """What it acts on: the loss, the optimizer, the parameters. Compared by identity."""
    frames: tuple[Frame, ...] = ()
    guards: tuple[Guard, ...] = ()
    loops: tuple[int, ...] = ()
    attributes: EventAttributes = field(default_factory=EventAttributes)

    def can_meet(self, other: Event) -> bool:
        """Whether both events can happen in one run: no condition sends them different ways."""
        mine = {guard.condition: guard.branch for guard in self.guards}
        return all(mine.get(g.condition, g.branch) == g.branch for g in other.guards)


@dataclass(frozen=True, slots=True, eq=False)
class Timeline:
    """The events of one function or module in the order in which they happen."""

    scope: str
    events: tuple[Event, ...]

    def before(self, event: Event, keep: Callable[[Event], bool]) -> Iterator[Event]:
        """Events before `event`, latest first, that can happen in the same run."""
        for other in reversed(self.events[: self.events.index(event)]):
            if keep(other) and other.can_meet(event):
                yield other

    def after(self, event: Event, keep: Callable[[Event], bool]) -> Iterator[Event]:
        """Events after `event`, in order, that can happen in the same run."""
        for other in self.events[self.events.index(event) + 1 :]:
            if keep(other) and other.can_meet(event):
                yield other


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing that was looked at on the way to a finding."""

    path: str
    line: int
    text: str


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """A smell in a place, with the reason and the remedy."""

    path: str
    line: int
    column: int
    end_line: int
    end_column: int
    code: str
    name: str
    message: str
    scope: str
    evidence: tuple[Evidence, ...] = ()
    unsure: bool = False
    """Reported only under --show-unsure."""
