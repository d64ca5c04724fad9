"""The loss of the ten steps beside what its gradient predicted; shared by the checks of step 3."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING

from runtime_probe import thresholds as t
from runtime_probe.record import SETTLE

if TYPE_CHECKING:
    from runtime_probe.record import Record, StepRecord, Where

_RISING = 1.05
"""A warm-up from 0 more than doubles the rate within the first steps; what grows more slowly is there already."""


@dataclass(slots=True)
class Descent:
    """One loss and all optimizers that follow it."""

    optimizers: list[int]
    steps: list[StepRecord]
    """Of the first of them."""
    losses: list[float] = field(default_factory=list)
    """The value whose gradient the updates follow: the sum over the backward passes of a step."""
    predicted: list[float] = field(default_factory=list)
    """Decrease that the gradient predicts for each update."""
    closures: bool = False
    """The optimizer evaluates the loss several times a step (LBFGS)."""
    entangled: bool = False
    """Other optimizers with other losses step in between."""

    @property
    def where(self) -> Where:
        """Line of the update."""
        return self.steps[0].where

    @property
    def relative(self) -> list[float]:
        """Predicted decrease as a share of the loss."""
        return [p / abs(v) for p, v in zip(self.predicted, self.losses, strict=False) if v and _finite(p, v)]

    @property
    def rates(self) -> list[float]:
        """Largest learning rate at each step."""
        return [max(step.rates, default=0.0) for step in self.steps]

    @property
    def rising(self) -> bool:
        """Whether the learning rate is in its warm-up."""
        return bool(self.rates) and self.rates[-1] > self.rates[0] * _RISING

    def ratios(self, floor: float, above: float = 0.0) -> list[float]:
        """Gain ratios: actual over predicted decrease, of the steps where that is more than rounding.

        Args:
            floor: Share of the loss that a predicted decrease must have.
            above: Loss below which a step does not count.
        """
        pairs = zip(self.losses, self.losses[1:], self.predicted, strict=False)
        return [
            (before - after) / predicted
            for before, after, predicted in pairs
            if _finite(before, after, predicted) and abs(predicted) > floor * abs(before) and predicted
            if abs(before) >= above
        ]


def descents(record: Record) -> list[Descent]:
    """Return the series of the baseline, optimizers of the same loss put together."""
    found: list[Descent] = []
    for index, optimizer in enumerate(record.optimizers):
        steps = record.series(index)
        if not steps:
            continue
        closures = "LBFGS" in optimizer.name.upper()
        after = record.series(index, SETTLE)[:1]
        losses = [_followed(step, closures=closures) for step in steps + after]
        new = Descent([index], steps, losses, [step.predicted for step in steps], closures)
        for other in found:
            if _same(other.losses, losses):
                other.optimizers.append(index)
                other.predicted = [a + b for a, b in zip(other.predicted, new.predicted, strict=False)]
                break
        else:
            found.append(new)
    for descent in found:
        descent.entangled = len(found) > 1
    return found


def replayed(record: Record, descent: Descent) -> str:
    """Return why the losses of a series do not compare with each other; empty if they do."""
    hashes = {step.batch_hash for step in descent.steps if step.batch_hash}
    if len(hashes) > 1:
        return "the batch could not be replayed: each step saw another one"
    repeat = record.experiments.repeat
    if repeat is not None and record.experiments.repeat_optimizer in descent.optimizers and not repeat <= t.REPEATABLE:
        return f"the loss does not repeat under equal weights (off by {repeat:.1%}): draws could not be replayed"
    return ""


def comparable(record: Record, descent: Descent) -> str:
    """Return why actual and predicted decrease do not compare; empty if they do."""
    if not_cleared(descent.steps):
        return "gradients of earlier steps are still there; see gradients-not-cleared"
    if descent.closures:
        return "the optimizer evaluates the loss several times a step"
    if descent.entangled:
        return "several optimizers with losses of their own take turns"
    if any(step.still_scaled for step in descent.steps):
        return "the gradients were never divided by the loss scale"
    if len({len(step.losses) for step in descent.steps}) > 1:
        return "the number of backward passes differs between steps"
    return replayed(record, descent)


def resolution(record: Record) -> float:
    """Share of the loss below which a difference of two losses is rounding, or chance."""
    half = record.features.autocast or any("16" in p.dtype for p in record.parameters)
    floor = t.RESOLVED_HALF if half else t.RESOLVED
    return max(floor, t.REPEAT_MARGIN * (record.experiments.repeat or 0.0))


def not_cleared(steps: list[StepRecord]) -> bool:
    """Whether most steps found gradients of the step before."""
    known = [step.cleared for step in steps if step.cleared is not None]
    return len(known) >= 2 and known.count(False) > t.NOT_CLEARED_SHARE * len(known)


def middle(values: list[float]) -> float:
    """Return the median; NaN for none."""
    return median(values) if values else math.nan


def _followed(step: StepRecord, *, closures: bool) -> float:
    if not step.losses:
        return step.loss
    if closures:
        return step.losses[0].value
    return sum(loss.value for loss in step.losses)


def _same(left: list[float], right: list[float]) -> bool:
    return len(left) == len(right) and all(
        a == b or math.isclose(a, b, rel_tol=1e-6) or (math.isnan(a) and math.isnan(b))
        for a, b in zip(left, right, strict=True)
    )


def _finite(*values: float) -> bool:
    return all(map(math.isfinite, values))
