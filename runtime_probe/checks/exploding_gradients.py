"""Gradients of 1e3 and more, or growing step by step."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Check, Outcome, failed, number, passed, skipped, warned
from runtime_probe.checks.descent import not_cleared

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Look at the total norm of each optimizer, before clipping."""
    for index, optimizer in enumerate(record.optimizers):
        steps = record.series(index)
        norms = [step.grad_norm for step in steps if math.isfinite(step.grad_norm) and step.grad_norm > 0]
        if not norms:
            yield skipped(f"{optimizer.name}: no gradient")
            continue
        if not_cleared(steps):
            yield skipped("gradients of earlier steps add up; see gradients-not-cleared")
            continue
        peak, growth = max(norms), max(norms) / norms[0]
        clipped = all(step.clips for step in steps)
        numbers: dict[str, Any] = {"highest": peak, "growth": growth, "norms": norms}
        remedy = "lower the learning rate, check the initial weights and the scale of inputs and targets; clip at 1.0"
        grown = peak >= t.EXPLODING and growth >= t.EXPLODING_GROWTH
        if family.measures_progress and not clipped and (grown or peak >= t.EXPLODING_GROSS):
            yield failed(f"the gradient norm reaches {number(peak)}", remedy, optimizer.where, **numbers)
        elif peak >= t.EXPLODING and not clipped:
            yield warned(
                f"the gradient norm reaches {number(peak)}; nothing clips it", remedy, optimizer.where, **numbers
            )
        else:
            yield passed(f"{optimizer.name}: total norm {number(min(norms))} to {number(peak)}", **numbers)


CHECK = Check(
    id="exploding-gradients",
    title="Gradients do not explode",
    step=4,
    seed="Exploding gradients: gradient norms spike to 1e3 or 1e6 in certain layers.",
    why="A norm that grows a hundredfold within ten steps ends in NaN. A large norm that stays is the scale of a loss"
    " that sums over an image or an episode, and hurts only where nothing clips it.",
    run=run,
)
