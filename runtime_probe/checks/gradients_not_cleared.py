"""Missing zero_grad(): each step follows the sum of all gradients so far."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Check, Outcome, failed, passed, skipped
from runtime_probe.checks.descent import not_cleared

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Ask each step whether gradients of the one before were still there."""
    for index, optimizer in enumerate(record.optimizers):
        steps = record.series(index)
        known = [step.cleared for step in steps if step.cleared is not None]
        if not known:
            yield skipped(f"{optimizer.name}: no gradient was seen to arrive")
        elif not_cleared(steps):
            yield failed(
                f"at {known.count(False)} of {len(known)} steps the gradients of the step before were still there",
                "call optimizer.zero_grad(set_to_none=True) before backward()",
                optimizer.where,
                steps=known.count(False),
            )
        elif (mingled := sum(step.mingled for step in steps)) > t.NOT_CLEARED_SHARE * len(steps):
            yield failed(
                f"at {mingled} of {len(steps)} steps of {optimizer.name} gradients of another loss were there, for"
                " which another optimizer had stepped",
                "call zero_grad() before the backward() of this loss: what comes after the step is cleared too early",
                optimizer.where,
                steps=mingled,
            )
        else:
            yield passed(f"{optimizer.name}, at {known.count(True)} of {len(known)} steps")


CHECK = Check(
    id="gradients-not-cleared",
    title="Gradients are cleared",
    step=4,
    seed="The optimizer is overshooting the minimum on every step.",
    why="backward() adds to .grad. Without zero_grad() the loss falls for a while, then swings and diverges, which"
    " looks like a learning rate that is too high. Accumulation over several backward passes of one step is fine.",
    run=run,
)
