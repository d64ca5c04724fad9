"""A dimension of the input that is there twice, in the place of another one."""

from __future__ import annotations

from math import isclose
from typing import TYPE_CHECKING

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Check, Outcome, passed, skipped, warned
from runtime_probe.checks.features import called, entering

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record, TensorStatistics

_ROUNDING = 1e-6


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Compare mean, spread, smallest and largest number of each pair of dimensions."""
    asked = [item for item in entering(record) if item.rows >= t.REPEATED_ROWS and not item.integral]
    # What stands still is the same in each step of a history (N, T, D) that is flattened.
    steps = {item.shape[-1] for item in record.statistics if item.role == "model input" and len(item.shape) > 2}
    found = False
    if record.copies.repeated > t.COPIES:
        found = True
        yield warned(
            f"{record.copies.repeated:.0%} of the samples of the data set are copies of others",
            "look for a seed that is the same for each episode or worker, and for an index that never moves on",
            share=record.copies.repeated,
        )
    for item in asked:
        pair = _pair(item)
        if pair is not None and not any((pair[1] - pair[0]) % step == 0 for step in steps):
            found = True
            yield warned(
                f"{called(item)}: dimensions {pair[0]} and {pair[1]} hold the same numbers in all {item.rows} rows",
                "look where the input is put together: is one of them in the place of another?",
                item.where,
            )
    if asked and not found:
        yield passed("no dimension of the input is there twice")
    elif not asked and not found:
        yield skipped("no input with enough rows of numbers")


def _pair(item: TensorStatistics) -> tuple[int, int] | None:
    known: dict[tuple[float, float], int] = {}
    for place, key in enumerate(zip(item.minimum, item.maximum, strict=True)):
        other = known.setdefault(key, place)
        alike = all(isclose(x[place], x[other], rel_tol=_ROUNDING) for x in (item.mean, item.std))
        # Sines, and what was clipped, share their ends.
        if other != place and alike and item.std[place] > 0:
            return other, place
    return None


CHECK = Check(
    id="inputs-repeated",
    title="Each input is there once",
    step=1,
    seed="",
    why="A name that was copied and not changed puts one reading twice into the observation and leaves another out. The"
    " shapes fit, and the loss falls to what can be known without it, and no further.",
    run=run,
)
