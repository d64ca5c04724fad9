"""One timeline, predicted and observed: what the linter expects of a step, and what happened in it.

Both are `convdiag_lint.events.Timeline`; what holds of the one can be asked of the other.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from convdiag_lint.events import Event, EventKind, Place, Timeline

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runtime_probe.record import EventRecord, Record

COMPARED = (
    EventKind.CHECK_FINITE,
    EventKind.BACKWARD,
    EventKind.UNSCALE,
    EventKind.CLIP,
    EventKind.STEP,
    EventKind.CLEAR,
)
"""Kinds that both sides see. The linter predicts no forward pass, and ten steps save nothing."""
_KINDS = {kind.value for kind in EventKind}
_MOST_FILES = 200


@dataclass(frozen=True, slots=True)
class Disagreement:
    """An event that only one of the two timelines has."""

    kind: EventKind
    path: str
    line: int
    observed: bool
    """Observed and not predicted; otherwise predicted, under no condition, and not observed."""

    def __str__(self) -> str:
        which = "observed, not predicted" if self.observed else "predicted, not observed"
        return f"{self.kind.value} at {self.path}:{self.line} {which}"


def observed(record: Record, optimizer: int = 0) -> Timeline | None:
    """Return the second iteration of an optimizer as it happened; None if there was none.

    The first one may differ: gradients are cleared before there are any, scalers find their scale.
    """
    ends = [i for i, step in enumerate(record.steps) if step.optimizer == optimizer]
    if len(ends) < 2:
        return None
    first, last = ends[0] + 1, ends[1]
    events = [event for event in record.events if first <= event.step <= last]
    return Timeline("<observed>", tuple(_event(event) for event in _without_repeats(events)))


def _without_repeats(events: list[EventRecord]) -> Iterator[EventRecord]:
    seen: set[tuple[str, str, int]] = set()
    for event in events:
        key = (event.kind, event.where.path, event.where.line)
        if event.where.path and key not in seen and event.kind in _KINDS:
            seen.add(key)
            yield event


def _event(event: EventRecord) -> Event:
    where = event.where
    path = os.path.realpath(where.path)
    return Event(EventKind(event.kind), Place(path, where.line, 1, where.line, 1), event.optimizer)


def predicted(path: str, line: int, files: Sequence[str] = ()) -> list[Timeline]:
    """Return the linter's timelines of the update that stands at a line; empty if it sees none there.

    An update in a helper belongs to the scope that calls it: `files` are asked after the helper's own.
    """
    from convdiag_lint.analysis import Analyser, SourceError  # noqa: PLC0415 - brings the parser along
    from convdiag_lint.project.files import ProjectFiles, find_root  # noqa: PLC0415
    from convdiag_lint.project.view import ModuleView  # noqa: PLC0415
    from convdiag_lint.reading.gate import may_train  # noqa: PLC0415

    file = Path(os.path.realpath(path))
    if not file.is_file():
        return []
    root = Path(os.path.realpath(find_root(file, file.parent)))
    program = Analyser(ProjectFiles(root)).program
    found: list[Timeline] = []
    own = [Path(os.path.realpath(other)) for other in files[:_MOST_FILES]]
    try:
        for other in dict.fromkeys([file, *(o for o in own if o.is_relative_to(root) and may_train(o.read_bytes()))]):
            view = ModuleView(program, program.modules.require(str(other.relative_to(root))))
            for step in view.steps:
                for context in step.contexts:
                    place = context.step.place
                    if place.line == line and (root / place.path).resolve() == file:
                        found.append(_resolved(context.run.timeline, root))
            if found:
                break
    except (SourceError, OSError):
        return found
    return found


def _resolved(timeline: Timeline, root: Path) -> Timeline:
    """The same timeline with absolute paths."""
    events = []
    for event in timeline.events:
        place = event.place
        path = os.path.realpath(root / place.path)
        there = Place(path, place.line, place.column, place.end_line, place.end_column)
        events.append(Event(event.kind, there, event.subject, event.frames, event.guards, event.loops))
    return Timeline(timeline.scope, tuple(events))


def compare(expected: list[Timeline], happened: Timeline) -> list[Disagreement]:
    """Return what the two do not agree on: an observed event that no prediction has, or the other way round."""
    known = {_key(event) for timeline in expected for event in timeline.events}
    seen = {_key(event) for event in happened.events}
    surprising = [e for e in happened.events if e.kind in COMPARED and _key(e) not in known]
    certain = [
        event
        for event in (expected[0].events if expected else ())
        if event.kind in COMPARED and not event.guards and _loops_with_step(event, expected[0])
    ]
    missing = [event for event in certain if _key(event) not in seen]
    return [
        Disagreement(e.kind, e.place.path, e.place.line, observed=is_observed)
        for events, is_observed in ((surprising, True), (missing, False))
        for e in events
    ]


def _key(event: Event) -> tuple[EventKind, str, int]:
    return event.kind, event.place.path, event.place.line


def _loops_with_step(event: Event, timeline: Timeline) -> bool:
    """Whether an event repeats with the update: what stands before or after the loop is not of the iteration."""
    return any(e.kind is EventKind.STEP and e.loops == event.loops for e in timeline.events)


@dataclass(frozen=True, slots=True)
class Comparison:
    """One iteration as it happened, and what the linter had expected of it."""

    observed: Timeline
    expected: bool
    """Whether the linter saw the update at all: one that a framework makes is in no file of the user's."""
    disagreements: tuple[Disagreement, ...] = ()


def of(record: Record) -> Comparison | None:
    """Compare the timelines of the first optimizer of a run; None if it made no two steps."""
    happened = observed(record)
    if happened is None or not record.optimizers:
        return None
    where = record.optimizers[0].where
    expected = predicted(where.path, where.line, record.files) if record.framework in {"raw", "accelerate"} else []
    disagreements = compare(expected, happened) if expected else []
    return Comparison(happened, bool(expected), tuple(disagreements))
