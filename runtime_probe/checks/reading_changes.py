"""Data sets whose samples change by being read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe.checks.base import Check, Outcome, failed, passed, skipped

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Name the part of the batch that is another one each time, by the same factor."""
    batch = record.batch
    if batch.changed:
        yield failed(
            f"{batch.changed} holds other numbers each time that samples are read: the data set changes what it keeps",
            "scale a copy: x = (x - mean) / std, no sub_(), div_(), -= or /= on what the data set keeps",
        )
    elif batch.loaders and not batch.made_up:
        yield passed("samples stay what they are when they are read, augmentation aside")
    else:
        yield skipped("there is no loader")


CHECK = Check(
    id="reading-changes-data",
    title="Reading leaves data alone",
    step=1,
    seed="",
    why="A sample that is normalized in place is normalized once more in each epoch. The first epoch is right, and"
    " validation, which reads its samples at another rate, sees other numbers than training.",
    run=run,
)
