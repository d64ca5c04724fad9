"""Target dimensions (actions) whose spreads are so far apart that a squared error ignores the small ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Check, Outcome, failed, passed, skipped, warned
from runtime_probe.checks.features import called, is_image, is_map, spread, targets

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record

_DISTANCES = frozenset({"mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "subtract"})


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Compare the standard deviations of the target's dimensions, where a distance adds them up."""
    calls = [call for call in record.loss_calls if call.function in _DISTANCES]
    # A cross-entropy does not weigh its targets by their spread, and pixels of a map share a unit.
    items = [i for i in targets(record) if len(i.mean) > 1 and "cross_entropy" not in i.name]
    items = [item for item in items if not is_image(item) and not is_map(item, record)]
    if not calls or not items:
        yield skipped("no squared or absolute error over several dimensions")
        return
    for item in items:
        found = spread(item)
        if found is None:
            yield skipped(f"{called(item)}: too few values that vary")
            continue
        ratio = found.ratio
        message = f"{found.contrast}: the loss ignores the small one"
        remedy = "normalize each dimension by its mean and std over the training set; keep both to turn outputs back"
        where = item.where if item.where.path else calls[0].where
        few = item.rows < t.FEW_ROWS
        sure = t.SCALE_RATIO * (t.FEW_ROWS_FACTOR if few else 1.0)
        if ratio > sure and family.name != "reinforcement learning":
            yield failed(message, remedy, where, **found.numbers)
        elif ratio > (t.SCALE_RATIO if few else t.SCALE_HINT):
            yield warned(message, remedy, where, **found.numbers)
        else:
            yield passed(found.range, **found.numbers)


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
