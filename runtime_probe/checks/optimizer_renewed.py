"""Optimizers that are made anew for each step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe.checks.base import Check, Outcome, failed, passed, skipped

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Count how often another optimizer took the place of one, over the same parameters."""
    if not record.optimizers:
        yield skipped("no optimizer was seen")
    for index, optimizer in enumerate(record.optimizers):
        # Some scripts begin anew with each task or stage; not with every other step.
        if 2 * optimizer.renewed > len(record.series(index)):
            yield failed(
                f"{optimizer.name} is made anew for each step: {optimizer.renewed} times in the steps that were seen",
                "make the optimizer, and its schedule, once, before the loop",
                optimizer.where,
                renewed=optimizer.renewed,
            )
        else:
            yield passed(f"{optimizer.name} lasts from step to step")


CHECK = Check(
    id="optimizer-renewed",
    title="The optimizer lasts",
    step=4,
    seed="",
    why="Momentum and Adam's averages of gradients and of their squares begin at 0 with each new optimizer, and a"
    " schedule at its first rate. Adam's first update is the learning rate times the sign of the gradient, however"
    " small that is: nothing ever comes to rest.",
    run=run,
)
