"""Input dimensions whose spreads are orders of magnitude apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Check, Outcome, failed, passed, skipped, warned
from runtime_probe.checks.features import called, entering, is_image, spread

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record

_GROSS = 100.0
"""Times the ratio that is worth a word: a dimension ten thousand times smaller is invisible beside the others."""


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Compare the standard deviations of the dimensions of each input."""
    items = [item for item in entering(record) if not is_image(item) and len(item.mean) > 1]
    if family.name in {"flow", "diffusion"}:
        # Sines of a time, of many frequencies, are of many scales by design; they are made within the model.
        given = [item.shape for item in record.statistics if item.role == "model input"]
        items = [item for item in items if item.shape in given]
    if not items:
        yield skipped("no input with several dimensions")
    for item in items:
        found = spread(item)
        if found is None:
            yield skipped(f"{called(item)}: too few values that vary")
            continue
        ratio = found.ratio
        remedy = "divide each dimension by its standard deviation over the training set"
        if item.rows < t.FEW_ROWS and ratio > t.SCALE_RATIO * t.FEW_ROWS_FACTOR:
            # With four rows a dimension that happens to rest (a gripper, a velocity) looks tiny.
            yield warned(found.contrast, remedy, item.where, **found.numbers)
        elif item.rows >= t.FEW_ROWS and ratio > t.SCALE_RATIO:
            # Rare features (one-hot, contact forces) are small and honest: only gross ratios among large rows fail.
            gross = ratio > t.SCALE_RATIO * _GROSS and found.largest > 1.0
            say = failed if gross and family.measures_progress and item.rows >= 64 else warned
            yield say(found.contrast, remedy, item.where, **found.numbers)
        else:
            yield passed(found.range, **found.numbers)


CHECK = Check(
    id="input-scales-differ",
    title="Scales of input dimensions",
    step=1,
    seed="The standard fix is per-dimension normalization",
    why="A first layer weighs all inputs alike at the start; a dimension a hundred times smaller is a hundred times"
    " slower to be heard.",
    run=run,
)
