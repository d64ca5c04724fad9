"""Input dimensions whose spreads are orders of magnitude apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Check, Outcome, failed, number, passed, skipped, warned
from runtime_probe.checks.features import called, entering, is_image, spreads

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
        found = spreads(item)
        if len(found) < 2 or item.rows < 2:
            yield skipped(f"{called(item)}: too few values that vary")
            continue
        (least, low), (most, high) = found[0], found[-1]
        ratio = high / low
        numbers: dict[str, Any] = {"ratio": ratio, "smallest": [least, low], "largest": [most, high], "rows": item.rows}
        message = f"{called(item)}: dimension {least} has std {number(low)}, dimension {most} has {number(high)}"
        remedy = "divide each dimension by its standard deviation over the training set"
        if item.rows < t.FEW_ROWS and ratio > t.SCALE_RATIO * t.FEW_ROWS_FACTOR:
            # With four rows a dimension that happens to rest (a gripper, a velocity) looks tiny.
            yield warned(message, remedy, item.where, **numbers)
        elif item.rows >= t.FEW_ROWS and ratio > t.SCALE_RATIO:
            # Rare features (one-hot, contact forces) are small and honest: only gross ratios among large rows fail.
            gross = ratio > t.SCALE_RATIO * _GROSS and high > 1.0 and family.measures_progress and item.rows >= 64
            say = failed if gross else warned
            yield say(message, remedy, item.where, **numbers)
        else:
            yield passed(f"{called(item)}: standard deviations {number(low)} to {number(high)}", **numbers)


CHECK = Check(
    id="input-scales-differ",
    title="Scales of input dimensions",
    step=1,
    seed="The standard fix is per-dimension normalization",
    why="A first layer weighs all inputs alike at the start; a dimension a hundred times smaller is a hundred times"
    " slower to be heard.",
    run=run,
)
