"""Phases: the script goes back to where the baseline started, and makes ten more steps with one thing changed."""

from __future__ import annotations

import time
from statistics import median
from typing import TYPE_CHECKING

from runtime_probe import phases
from runtime_probe import record as records
from runtime_probe.record import PhaseRecord
from runtime_probe.tap import changes

if TYPE_CHECKING:
    from collections.abc import Generator

    from runtime_probe.phases import Phase
    from runtime_probe.tap.session import Session
    from runtime_probe.tap.state import State
    from runtime_probe.tap.tracked import Tracked

_SLOW, _LARGE = 0.25, 10_000_000
"""Seconds of a step, and parameters, from which on zeroed inputs get one iteration and not ten."""
_SHARE_OF_TIME = 0.8
"""No phase begins that would probably end after this share of the time limit."""


class Phasing:
    """Runs the phases that the baseline calls for."""

    def __init__(self, session: Session, start: State, anchor: Tracked) -> None:
        self.session, self.start, self.anchor = session, start, anchor

    def run(self, *, repeats: bool) -> Generator[None, None, None]:
        """Run them one after the other; each `yield` lets the script make one iteration.

        Without repeated losses a phase shows little, and only what ran away is worth another try.
        """
        session, record = self.session, self.session.record
        if repeats:
            yield from self._zeroed()
        session.ledger.describe()
        for phase in phases.choose(record, session.options.phases):
            if not repeats and phase is not phases.SLOWER:
                continue
            if not self._in_time():
                record.notes.append(f"no time was left for the phase '{phase.name}'")
                break
            yield from self._one(phase)

    def _zeroed(self) -> Generator[None, None, None]:
        """Is the loss any different when the model sees nothing?"""
        session, results = self.session, self.session.record.experiments
        # A generator's noise is no input that it has to listen to.
        seen = session.feed.kept or session.feed.left
        if not seen or len(session.tracked) > 1 or session.options.phases == "none":
            return
        if self._seconds() > _SLOW or sum(p.numel() for p in self.anchor.parameters) > _LARGE:
            yield from self._zeroed_once()
            return
        yield from self._one(phases.ZEROED)
        if session.record.phases:
            results.zeroed = session.record.phases[-1].losses[:-1]
            results.zeroed_reference = session.record.losses(self.anchor.index)

    def _zeroed_once(self) -> Generator[None, None, None]:
        """Ask for one loss, with the weights of the last step: a healthy run pays for no more."""
        session, results = self.session, self.session.record.experiments
        change = changes.make(phases.ZEROED, session)
        session.change = change
        session.course.enter(phases.ZEROED.name)
        try:
            change.begin()
            yield
        finally:
            change.end()
            session.change = None
        results.zeroed = [self.anchor.last_loss]
        results.zeroed_reference = session.record.losses(self.anchor.index)[-1:]

    def _seconds(self) -> float:
        return median([step.seconds for step in self.session.record.series(self.anchor.index)] or [0.0])

    def _one(self, phase: Phase) -> Generator[None, None, None]:
        session = self.session
        self.start.put_back()
        for tracked in session.tracked:
            tracked.before = None
            tracked.forget()
            tracked.stale = any(tracked.gradient_norms())
        session.change = changes.make(phase, session)
        session.course.enter(phase.name)
        losses: list[float] = []
        try:
            session.change.begin()
            while len(losses) <= session.options.steps:
                yield
                losses.append(self.anchor.last_loss)
        finally:
            session.change.end()
            session.change = None
        steps = session.record.series(self.anchor.index, phase.name)[: session.options.steps]
        session.record.phases.append(
            PhaseRecord(
                phase.name,
                losses,
                [step.predicted for step in steps],
                [step.grad_norm for step in steps],
                self._not_restored(),
            )
        )

    def _not_restored(self) -> list[str]:
        calls = self.session.record.features.calls
        return ["the environment"] if calls.get("environment") else []

    def _in_time(self) -> bool:
        session = self.session
        spent = time.monotonic() - session.started
        recent = session.record.series(self.anchor.index, records.BASELINE)
        one = sum(step.seconds for step in recent) / max(1, len(recent))
        return spent + one * (session.options.steps + 1) < _SHARE_OF_TIME * session.options.timeout
