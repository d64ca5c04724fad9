"""Gradients that are cleared before an optimizer has used them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Check, Outcome, failed, passed, skipped, warned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Count the backward passes whose gradients no step has seen."""
    if len(record.optimizers) != 1 or not record.series(0):
        yield skipped("with several optimizers a loss passes through parameters that are not its own")
        return
    steps, thrown = record.series(0), record.optimizers[0].thrown
    where = record.optimizers[0].where
    if thrown < t.THROWN_SHARE * len(steps):
        yield passed(f"{len(steps)} steps used what backward computed", thrown=thrown)
        return
    idle = sum(step.applied_norm == 0 for step in steps) > t.THROWN_SHARE * len(steps)
    remedy = "call zero_grad() once for each step of the optimizer: before the first backward, or after the step"
    if idle:
        message = f"zero_grad() stands between backward() and step(): {len(steps)} steps had no gradient"
        yield failed(message, remedy, where, thrown=thrown)
    else:
        yield warned(
            f"the gradients of {thrown} backward passes were cleared before any of {len(steps)} steps used them",
            remedy,
            where,
            thrown=thrown,
        )


CHECK = Check(
    id="gradients-thrown-away",
    title="Gradients are used",
    step=4,
    seed="",
    why="With zero_grad() in the loop over micro-batches and step() outside of it, all but the last micro-batch are"
    " computed for nothing. Optimizers that look ahead on purpose (SAM) do so, too; so this warns.",
    run=run,
)
