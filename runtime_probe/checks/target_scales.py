"""Target dimensions (actions) whose spreads are so far apart that a squared error ignores the small ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Check, Outcome, failed, number, passed, skipped, warned
from runtime_probe.checks.features import called, is_image, spreads, targets

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record

_DISTANCES = frozenset({"mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "subtract"})


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Compare the standard deviations of the target's dimensions, where a distance adds them up."""
    calls = [call for call in record.loss_calls if call.function in _DISTANCES]
    items = [item for item in targets(record) if len(item.mean) > 1 and not is_image(item)]
    if not calls or not items:
        yield skipped("no squared or absolute error over several dimensions")
        return
    for item in items:
        found = spreads(item)
        if len(found) < 2 or item.rows < 2:
            yield skipped(f"{called(item)}: too few values that vary")
            continue
        (least, low), (most, high) = found[0], found[-1]
        ratio = high / low
        numbers: dict[str, Any] = {"ratio": ratio, "smallest": [least, low], "largest": [most, high], "rows": item.rows}
        message = (
            f"{called(item)}: dimension {least} has std {number(low)}, dimension {most} has {number(high)}:"
            " the loss ignores the small one"
        )
        remedy = "normalize each dimension by its mean and std over the training set; keep both to turn outputs back"
        where = item.where if item.where.path else calls[0].where
        few = item.rows < t.FEW_ROWS
        sure = t.SCALE_RATIO * (t.FEW_ROWS_FACTOR if few else 1.0)
        if ratio > sure and family.name != "reinforcement learning":
            yield failed(message, remedy, where, **numbers)
        elif ratio > t.SCALE_RATIO:
            yield warned(message, remedy, where, **numbers)
        else:
            yield passed(f"{called(item)}: standard deviations {number(low)} to {number(high)}", **numbers)


CHECK = Check(
    id="target-scales-differ",
    title="Scales of target dimensions",
    step=1,
    seed="If two action dimensions have standard deviations of 0.01 and 2.0, an MSE loss will effectively ignore the"
    " first dimension",
    why="The share of a dimension in a squared error goes with the square of its spread: a hundred times smaller is ten"
    " thousand times less heard.",
    run=run,
)
