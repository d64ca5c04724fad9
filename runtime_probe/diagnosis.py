"""Ranked causes: what failed, and what the phases say for and against it."""

from __future__ import annotations

import itertools
import math
import statistics
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runtime_probe import causes, phases
from runtime_probe import thresholds as t
from runtime_probe.checks.base import Result, Status, number
from runtime_probe.record import BASELINE, Where

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runtime_probe.phases import Phase
    from runtime_probe.record import PhaseRecord, Record

_SMALL = 1e-3
_SUPPORT, _CONTRADICTION = 50.0, 25.0
"""A change that cured outweighs any order among causes; one that did not is a doubt, as faults come in twos."""


@dataclass(frozen=True, slots=True)
class Cause:
    """One possible cause, with what was tried."""

    check: str
    title: str
    status: Status
    score: float
    """Larger is likelier; only the order means something."""
    evidence_for: list[str] = field(default_factory=list)
    evidence_against: list[str] = field(default_factory=list)
    where: Where = field(default_factory=Where)
    change: str = ""
    """What to write instead."""


@dataclass(frozen=True, slots=True)
class Course:
    """How ten steps went."""

    falls: int
    steps: int
    drop: float
    """Fall of the loss over all steps, relative to its start."""
    ratio: float
    """Median gain ratio: actual fall over what the gradient predicts; NaN where nothing is predicted."""
    finite: bool
    end: float
    """Loss after the last step."""

    @property
    def healthy(self) -> bool:
        """Whether the loss falls, and as its gradient says."""
        as_predicted = math.isnan(self.ratio) or self.ratio >= t.GAIN_LOW
        return self.finite and self.falls >= t.MOSTLY_FALLING * self.steps and as_predicted

    def __str__(self) -> str:
        if not self.finite:
            return "the loss is not finite"
        fall = f"{self.drop:.1%}" if abs(self.drop) >= _SMALL else f"{self.drop:.1e} of its value"
        ratio = "" if math.isnan(self.ratio) else f", gain ratio {self.ratio:.2f}"
        return f"the loss falls at {self.falls} of {self.steps} steps, by {fall}, to {number(self.end)}{ratio}"


def course(losses: Sequence[float], predicted: Sequence[float]) -> Course:
    """Sum up a series of losses and of the decreases that the gradient predicted for each step."""
    pairs = list(itertools.pairwise(losses))
    finite = bool(losses) and all(map(math.isfinite, losses))
    ratios = [(a - b) / p for (a, b), p in zip(pairs, predicted, strict=False) if math.isfinite(p) and p > 0]
    return Course(
        falls=sum(b < a for a, b in pairs),
        steps=len(pairs),
        drop=(losses[0] - losses[-1]) / max(abs(losses[0]), 1e-12) if finite else math.nan,
        ratio=statistics.median(ratios) if ratios and finite else math.nan,
        finite=finite,
        end=losses[-1] if losses else math.nan,
    )


def rank(results: Sequence[Result], record: Record) -> list[Cause]:
    """Return the failed checks, and warnings that a phase speaks for, the likeliest cause first.

    Args:
        results: As the checks gave them, before failures that explain each other were told apart.
        record: What was observed, phases included.

    A failure that follows from another one is listed only where an experiment says otherwise: its own change cures, the
    other one's was tried and does not.
    """
    tried = {phase.name: phase for phase in record.phases}
    optimizer = next((s.optimizer for s in reversed(record.steps) if s.phase in tried), None)
    base = None
    if optimizer is not None:
        base = course(record.losses(optimizer), [s.predicted for s in record.series(optimizer, BASELINE)])
    explained = causes.explained(results)
    failed = causes.sort([r for r in results if r.status is Status.FAIL])
    warned = causes.sort([r for r in results if r.status is Status.WARN])
    found = []
    for place, result in enumerate([*failed, *warned]):
        speaking, against, support = _evidence(result.check, tried, base)
        root = explained.get(result.check)
        overruled = root is not None and not (support > 0 > _evidence(root, tried, base)[2])
        if overruled or (result.status is Status.WARN and support <= 0):
            continue
        # A shorter step helps many a faulty run a little: what names one thing is the better guess.
        if result.status is Status.WARN and causes.is_effect(result) and not causes.is_effect(warned[0]):
            continue
        order = len(failed) + len(warned) - place
        score = order + support + (0.0 if result.status is Status.WARN else 2 * _SUPPORT)
        evidence = [result.message, *speaking]
        found.append(
            Cause(result.check, result.title, result.status, score, evidence, against, result.where, result.remedy)
        )
    by_check: dict[str, Cause] = {}
    for cause in sorted(found, key=lambda cause: -cause.score):
        by_check.setdefault(cause.check, cause)
    return list(by_check.values())


def _evidence(check: str, tried: dict[str, PhaseRecord], base: Course | None) -> tuple[list[str], list[str], float]:
    speaking: list[str] = []
    against: list[str] = []
    support = 0.0
    if base is None:
        return speaking, against, support
    for name, seen in tried.items():
        phase = phases.BY_NAME.get(name)
        if phase is None or phase in {phases.UNCHANGED, phases.ZEROED} or check not in phase.cures:
            continue
        new = course(seen.losses, seen.predicted)
        if _helps(phase, base, new):
            speaking.append(f"with {phase.sentence}, {new}; without, {base}")
            support = max(support, _SUPPORT)
        else:
            against.append(f"with {phase.sentence}, {new}; without, {base}")
            support = support or -_CONTRADICTION
    return speaking, against, support


def _helps(phase: Phase, base: Course, new: Course) -> bool:
    if not new.finite:
        return False
    if not base.finite:
        return True
    if phase is phases.FASTER:
        return new.falls >= t.MOSTLY_FALLING * new.steps and new.drop > t.FASTER_HELPS * max(base.drop, 0.0)
    if new.healthy and not base.healthy:
        return True
    if phase is phases.STANDARD_INPUTS and 0 < t.CHANGE_HELPS * new.end < base.end:
        return new.falls >= t.MOSTLY_FALLING * new.steps  # the targets are the same, so losses compare
    if phase is phases.SLOWER:
        # It falls less by itself: what counts is that the gradient is believed again.
        return new.ratio >= t.GAIN_LOW > base.ratio and new.falls >= base.falls
    return new.falls >= base.falls and new.drop > t.CHANGE_HELPS * max(base.drop, 0.0)


def others_tried(record: Record, cause: Cause) -> list[str]:
    """Return what was tried beside the changes that concern a cause, in a word each."""
    optimizer = next((s.optimizer for s in reversed(record.steps) if s.phase != BASELINE), 0)
    base = course(record.losses(optimizer), [s.predicted for s in record.series(optimizer, BASELINE)])
    lines = []
    for seen in record.phases:
        phase = phases.BY_NAME.get(seen.name)
        if phase is None or phase in {phases.UNCHANGED, phases.ZEROED} or cause.check in phase.cures:
            continue
        verdict = "helps" if _helps(phase, base, course(seen.losses, seen.predicted)) else "does not help"
        lines.append(f"{phase.sentence} {verdict}")
    return lines
