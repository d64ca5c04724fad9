"""Targets that are all the same: a wrong column, a threshold that nothing reaches."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Check, Outcome, number, passed, skipped, warned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Look at the targets of the script's own batch."""
    calls = [c for c in record.loss_calls if c.step == 0 and math.prod(c.target_shape) >= t.CONSTANT_TARGETS]
    if not calls or family.name not in {"supervised", "language model"}:
        yield skipped("no target of a whole batch was seen")
        return
    # One of several losses may have nothing to say in this batch (an object that is not in any picture).
    if all(call.target_minimum == call.target_maximum for call in calls):
        call = calls[0]
        yield warned(
            f"all {math.prod(call.target_shape)} targets of {call.function} are {number(call.target_minimum)}",
            "print the targets; look for a wrong column or key, or a threshold that nothing reaches",
            call.where,
        )
    else:
        yield passed("targets differ", calls[0].where)


CHECK = Check(
    id="targets-constant",
    title="Targets vary",
    step=1,
    seed="Print or plot the mean, standard deviation, minimum, and maximum of each action dimension",
    why="A target that never changes is learnt within minutes, by the last bias alone, and the loss looks splendid.",
    run=run,
)
