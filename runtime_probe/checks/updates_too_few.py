"""Batches that are accumulated until hardly any update is left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Check, Outcome, failed, passed, skipped

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Compare the updates of the whole run with the batches that make one."""
    planned, batches = record.features.planned_steps, record.features.accumulated
    if not planned:
        yield skipped("how long the run is could not be told")
    elif batches >= t.MANY_ACCUMULATED and planned <= t.FEW_UPDATES:
        yield failed(
            f"the run makes {planned} updates in all: each accumulates {batches} batches",
            "accumulate fewer batches, or train for more epochs: what counts is the number of updates",
            planned=planned,
            batches=batches,
        )
    else:
        yield passed(f"the run makes {planned} updates", planned=planned, batches=batches)


CHECK = Check(
    id="updates-too-few",
    title="Enough updates",
    step=3,
    seed="",
    why="A number of batches to accumulate that was made for another data set, or a batch size in its place, leaves a"
    " few updates of a whole run. Each is as good as it can be, and there are not enough of them.",
    run=run,
)
