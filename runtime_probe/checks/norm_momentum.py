"""Batch normalization whose running statistics follow too slowly, or only the last batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Check, Outcome, names, number, passed, skipped, warned
from runtime_probe.checks.running import left_over

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Judge the momentum of each layer."""
    planned = record.features.planned_steps
    for model in record.models:
        momenta = model.norm_momenta
        high = [name for name, momentum in momenta.items() if momentum >= t.NORM_MOMENTUM_HIGH]
        low = [name for name, momentum in momenta.items() if left_over(momentum, planned) > t.AVERAGE_LEFT]
        if high:
            value = max(momenta.values())
            yield warned(
                f"{names(high)} of {model.name}: a momentum of {number(value)} makes the running statistics those of"
                " the last batch",
                "in torch momentum is the share of the new batch: 0.1 is usual, and 0.01 what others call 0.99",
                model.where,
                momentum=value,
            )
        elif low:
            value = min(momenta.values())
            yield warned(
                f"{names(low)} of {model.name}: with a momentum of {number(value)} the running statistics are"
                f" {left_over(value, planned):.0%} the initial 0 and 1 after the {planned} updates of this run",
                "leave momentum at 0.1",
                model.where,
                momentum=value,
            )
        elif momenta:
            yield passed(f"{model.name}: {number(min(momenta.values()))} to {number(max(momenta.values()))}")
    if not any(model.norm_momenta for model in record.models):
        yield skipped("there is no batch normalization with running statistics")


CHECK = Check(
    id="norm-momentum-wrong",
    title="Running statistics follow the data",
    step=4,
    seed="statistics missing at inference",
    why="Training normalizes with the batch, inference with the running statistics: where those stand still, or are one"
    " batch's, the model that trained well predicts badly.",
    run=run,
)
