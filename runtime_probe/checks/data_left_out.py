"""Training on a few of the data: a switch of a debugging session that stayed on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Check, Outcome, passed, skipped, warned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Look at the trainer's limits, and at how much of a data set its subset is."""
    batch = record.batch
    if batch.limits:
        yield warned(
            f"the trainer is told to leave data out: {', '.join(batch.limits)}",
            "remove it for the real run; leave it if it is meant",
            limits=batch.limits,
        )
    elif batch.share is not None and batch.share < t.SUBSET:
        yield warned(
            f"training sees a subset of {batch.share:.1%} of its data set",
            "remove the subset for the real run; leave it if it is meant",
            share=batch.share,
        )
    elif batch.loaders:
        yield passed("all data are used, as far as the loader tells")
    else:
        yield skipped("no loader was seen")


CHECK = Check(
    id="data-left-out",
    title="All data are used",
    step=1,
    seed="",
    why="overfit_batches, limit_train_batches and a Subset of a hundred samples make a good test of a loop. Left on,"
    " they make a model that knows these by heart and nothing else.",
    run=run,
)
