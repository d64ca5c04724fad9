"""Weight decay that is stronger than the loss."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Check, Outcome, failed, number, passed, skipped, warned
from runtime_probe.checks.descent import middle

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import OptimizerRecord, Record, StepRecord


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Compare the pull of the weight decay with that of the loss, for each optimizer."""
    for index, optimizer in enumerate(record.optimizers):
        if not optimizer.weight_decay > 0:
            yield skipped(f"{optimizer.name}: no weight decay")
            continue
        ratio = middle([value for step in record.series(index) if (value := _pull(optimizer, step)) is not None])
        if not math.isfinite(ratio):
            yield skipped(f"{optimizer.name}: no update with a gradient")
            continue
        numbers: dict[str, Any] = {"ratio": ratio, "weight_decay": optimizer.weight_decay}
        message = f"a weight decay of {number(optimizer.weight_decay)} pulls {number(ratio)} times as hard as the loss"
        remedy = "lower the weight decay: 0.01 to 0.1 suits AdamW, 1e-4 SGD"
        highest = max([*optimizer.rates, *optimizer.peak_rates, optimizer.highest_rate or 0.0])
        size = optimizer.weight_decay * (highest if optimizer.decoupled else 1.0)
        usual = optimizer.decoupled and optimizer.weight_decay < t.DECAY_USUAL_DECOUPLED
        if usual or size < (t.DECAY_USUAL_STEP if optimizer.decoupled else t.DECAY_USUAL):
            # A gradient that has vanished is weaker than anything, and a rate far too high makes any decay strong.
            yield passed(message, **numbers)
        elif ratio > t.DECAY_FAIL and family.measures_progress:
            yield failed(message, remedy, optimizer.where, **numbers)
        elif ratio > t.DECAY_WARN:
            yield warned(message, remedy, optimizer.where, **numbers)
        else:
            yield passed(message, **numbers)


def _pull(optimizer: OptimizerRecord, step: StepRecord) -> float | None:
    """Decay over loss, in gradients where the decay is added to them, else in lengths of the update."""
    if step.skipped or not step.applied_norm > 0 or not math.isfinite(step.parameter_norm):
        return None
    decay = optimizer.weight_decay * step.parameter_norm
    if not optimizer.decoupled:
        return decay / step.applied_norm
    shrink = max(step.rates, default=0.0) * decay
    # An update that is nothing but decay is as long as the decay; what the loss adds to it is the rest.
    rest = max(step.update_norm - shrink, 0.0) if step.update_norm > shrink else step.update_norm * 1e-2
    return shrink / rest if rest > 0 else None


CHECK = Check(
    id="weight-decay-too-high",
    title="Weight decay below the loss",
    step=3,
    seed="Loss plateauing early, then flat. ... weight decay too large (the regularizer overpowers the loss gradient)",
    why="Decay pulls all weights to 0, and the loss pulls them to where they are of use. Where decay is the stronger"
    " from the start, the weights shrink until the network says nothing.",
    run=run,
)
