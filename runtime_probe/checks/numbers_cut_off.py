"""Measurements that a data set keeps as whole numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe.checks.base import Check, Outcome, passed, skipped, warned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Report an array that lost its fractions on the way into the data set."""
    batch = record.batch
    if not batch.loaders:
        yield skipped("no DataLoader")
    elif batch.cut_off:
        yield warned(
            f"{batch.cut_off} holds whole numbers, and the script has the same numbers with fractions: what is behind"
            " the point is cut off",
            "keep measurements as float32; .long() is for classes and indices",
        )
    else:
        yield passed("no array of the data set was seen to lose its fractions")


CHECK = Check(
    id="numbers-cut-off",
    title="Numbers keep their fractions",
    step=1,
    seed="",
    why="A command of 0.4 m/s is 0 in an array of whole numbers, and nobody is told. Classes and indices are to be"
    " whole; what is habitually done to them is done to everything else.",
    run=run,
)
