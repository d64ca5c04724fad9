"""Dropout that leaves next to nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Check, Outcome, names, number, passed, skipped, warned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Judge the probability of each dropout."""
    for model in record.models:
        high = {name: p for name, p in model.dropouts.items() if p >= t.DROPOUT}
        if high:
            yield warned(
                f"{model.name} drops {number(max(high.values()))} of its activations at {names(list(high))}",
                "p is the share that is dropped, not kept: 0.1 to 0.5 is usual",
                model.where,
                largest=max(high.values()),
            )
        elif model.dropouts:
            yield passed(f"{model.name}: at most {number(max(model.dropouts.values()))}")
    if not any(model.dropouts for model in record.models):
        yield skipped("there is no dropout")


CHECK = Check(
    id="dropout-too-high",
    title="Dropout leaves something",
    step=4,
    seed="",
    why="A probability to keep that is given as one to drop (0.9) leaves a tenth of each layer, ten times as large.",
    run=run,
)
