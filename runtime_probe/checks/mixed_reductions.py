"""A sum over the batch beside a mean over it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe.checks.base import Check, Outcome, passed, skipped, warned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Ask how the terms of a loss were made one number each."""
    where = record.features.mixed_reductions
    if where is not None:
        yield warned(
            "this term is a sum over all samples of the batch, and is added to a mean over them: its weight is as many"
            " times larger as there are samples",
            "reduce both alike: .sum(dim=-1).mean(), or divide by the batch size",
            where,
        )
    elif record.steps:
        yield passed("no sum over the batch stands beside a mean over it")
    else:
        yield skipped("no step was seen")


CHECK = Check(
    id="reductions-mixed",
    title="Terms are reduced alike",
    step=4,
    seed="",
    why="A divergence that is summed over the batch beside a mean squared error outweighs it by the batch size: the"
    " posterior of a VAE collapses, whatever weight was chosen, and the weight means another thing for each size.",
    run=run,
)
