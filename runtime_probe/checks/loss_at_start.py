"""A classifier that knows nothing has a loss of ln C."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Check, Outcome, failed, number, passed, skipped, warned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Compare the first cross-entropy with ln C."""
    calls = [c for c in record.loss_calls if c.classes > 1 and not c.weighted and math.isfinite(c.value)]
    if not calls or family.name == "reinforcement learning":
        yield skipped("no plain cross-entropy was called")
        return
    call = min(calls, key=lambda c: c.step)
    expected = math.log(call.classes)
    labels = math.prod(call.target_shape)
    if labels >= 8 and 0.8 < call.value / (expected * labels) < 1.25:
        yield passed(f"{call.function} starts at {number(call.value)}, the sum of {labels} times ln {call.classes}")
        return
    numbers: dict[str, Any] = {"loss": call.value, "expected": expected, "classes": call.classes}
    message = f"{call.function} starts at {number(call.value)}, ln {call.classes} is {number(expected)}"
    remedy = "scale down the last layer's initial weights, or the logits: the model starts sure of wrong answers"
    if call.value > t.START_GROSS * expected:
        yield failed(message, remedy, call.where, **numbers)
    elif call.value > t.START_HIGH * expected:
        yield warned(message, remedy, call.where, **numbers)
    else:
        yield passed(message, call.where, **numbers)


CHECK = Check(
    id="loss-at-start-too-high",
    title="Loss at the start",
    step=3,
    seed="If it does not, there is a fundamental problem with the forward pass or loss computation.",
    why="Uniform guesses over C classes cost ln C. A start far above says that logits are large before anything was"
    " learned, from inputs or weights that are too large.",
    run=run,
)
