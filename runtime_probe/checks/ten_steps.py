"""The seed's own question: does the loss fall at each of ten steps on one batch?"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any

from runtime_probe.checks.base import Check, Outcome, number, passed, skipped, warned
from runtime_probe.checks.descent import descents, replayed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Report the series of each loss; a verdict only where it rises for no good reason."""
    found = descents(record)
    if not found:
        yield skipped("no step of an optimizer was seen")
    for descent in found:
        losses = [value for value in descent.losses if math.isfinite(value)]
        if len(losses) < 2:
            yield skipped("fewer than two losses were seen")
            continue
        falls = sum(after < before for before, after in itertools.pairwise(losses))
        steps = len(losses) - 1
        name = " and ".join(record.optimizers[i].name for i in descent.optimizers) if len(found) > 1 else ""
        text = f"{name}: " if name else ""
        text += f"{number(losses[0])} to {number(losses[-1])}, "
        text += "strictly decreasing" if falls == steps else f"{falls} of {steps} steps decrease"
        numbers: dict[str, Any] = {"losses": losses, "decreasing": falls, "steps": steps, "strictly": falls == steps}
        reason = replayed(record, descent)
        if falls == steps:
            yield passed(text, descent.where, **numbers)
        elif not family.measures_progress:
            yield passed(f"{text}; no measure of progress in {family.name}", descent.where, **numbers)
        elif reason:
            yield skipped(f"{text}; but {reason}", **numbers)
        elif losses[-1] < losses[0] or descent.rising:
            why = " (the learning rate is in warm-up)" if descent.rising else ""
            yield passed(f"{text}{why}, which alone is no fault", descent.where, **numbers)
        else:
            yield warned(
                f"{text}: the loss does not fall on a batch that stays the same",
                "see the other lines of this step for the cause",
                descent.where,
                **numbers,
            )


CHECK = Check(
    id="loss-not-decreasing",
    title="Loss over ten steps",
    step=3,
    seed="Run for 10 steps with a tiny batch of 4. Loss should strictly decrease. If it does not, there is a"
    " fundamental problem with the forward pass or loss computation.",
    why="With the same batch and the same random draws 74 % of healthy runs decrease strictly, 98 % end below their"
    " start, and some bugs decrease strictly, too (measured). So this is reported, and the verdict rests on the gain"
    " ratio and the directional derivative.",
    run=run,
)
