"""Training data in the order in which they were recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe.checks.base import Check, Outcome, passed, skipped, warned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Look at the sampler of the loader that training goes through."""
    if not record.batch.loaders:
        yield skipped("no loader was seen")
    elif any(limit.startswith("overfit_batches") for limit in record.batch.limits):
        yield skipped("overfit_batches reads the data in their order")
    elif record.batch.in_order:
        yield warned(
            "the loader hands out the data in their order: a batch is a stretch of one episode, or of one class",
            "DataLoader(..., shuffle=True), or a sampler that draws at random; leave it if the data are mixed already",
        )
    else:
        yield passed("the loader mixes the data, or has a sampler of its own")


CHECK = Check(
    id="data-in-order",
    title="Data are shuffled",
    step=1,
    seed="",
    why="Frames of one episode, or samples of one class, are no sample of the data: each update follows a few of them,"
    " and the next ones undo it. Statistics of batch normalization follow them, too.",
    run=run,
)
