"""Masks that were resized, or turned, as if their classes were quantities."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Check, Outcome, passed, skipped, warned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Ask for thin lines of a class along the borders of others."""
    labelled = [fit for fit in record.map_fits if fit.dependence is not None]
    if not labelled:
        yield skipped("no masks that lie over pictures were found in the data set")
    for fit in labelled:
        if fit.blended <= t.BLENDED:
            yield passed(f"classes of {fit.part} border on each other as they are", blended=fit.blended)
            continue
        yield warned(
            f"along {fit.blended:.0%} of the borders between classes of {fit.part} that are two or more apart runs a"
            " line, 1 to 3 pixels wide, of a class in between: 1 between 0 and 2 is no object",
            'resize and turn masks with mode="nearest"; blending class numbers makes other classes of them',
            blended=fit.blended,
        )


CHECK = Check(
    id="masks-interpolated",
    title="Masks keep their classes",
    step=1,
    seed="",
    why="Bilinear interpolation of a mask takes the mean of class numbers: a cup (3) on the table (1) gets a rim of 2.",
    run=run,
)
