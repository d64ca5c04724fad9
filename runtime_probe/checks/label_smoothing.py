"""Label smoothing that leaves little of the label."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Check, Outcome, number, passed, skipped, warned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Look at the argument that cross_entropy was given."""
    calls = [call for call in record.loss_calls if call.classes]
    if not calls:
        yield skipped("no cross_entropy was called")
        return
    most = max(calls, key=lambda call: call.smoothing)
    if most.smoothing >= t.SMOOTHING:
        yield warned(
            f"a label smoothing of {number(most.smoothing)} takes that share from the true class, and gives it to all",
            "label_smoothing=0.1 is usual: it is what is taken away, not what is left",
            most.where,
            smoothing=most.smoothing,
        )
    else:
        yield passed(f"label smoothing is {number(most.smoothing)}", smoothing=most.smoothing)


CHECK = Check(
    id="label-smoothing-too-high",
    title="Label smoothing",
    step=7,
    seed="",
    why="The smoothed label is all that the loss sees. At 0.9 with ten classes the true one is wanted with 0.19, and"
    " each other one with 0.09: a gradient of a tenth, drowned by the noise of the batch.",
    run=run,
)
