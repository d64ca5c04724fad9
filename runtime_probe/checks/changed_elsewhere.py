"""Parameters that something else than the optimizer changes, between its steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Check, Outcome, failed, number, passed, skipped, warned
from runtime_probe.checks.descent import middle

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Compare what happens to parameters between updates with the updates."""
    asked = False
    for index, optimizer in enumerate(record.optimizers):
        # The first step of the baseline has none before it that was measured, and a few say enough.
        steps = [step for step in record.series(index)[1:5] if step.update_norm > 0]
        if len(steps) < 3 or optimizer.duplicates:
            continue  # another optimizer holds them as well, which has a check of its own
        asked = True
        share = middle([step.moved_since / step.update_norm for step in steps])
        if share < t.MOVED_ELSEWHERE:
            continue
        say = failed if share >= t.MOVED_BACK and family.measures_progress else warned
        yield say(
            f"between the steps of {optimizer.name} something else changes its parameters, by {number(share)} times"
            " the length of an update",
            "look for an average or a target network that is written into the model (the copy goes the wrong way), and"
            " for .data, copy_() and load_state_dict() in the loop",
            optimizer.where,
            share=share,
        )
    if asked:
        yield passed("only the optimizer changes parameters")
    else:
        yield skipped("too few updates were measured")


CHECK = Check(
    id="parameters-changed-elsewhere",
    title="Only the optimizer changes parameters",
    step=4,
    seed="",
    why="An average of weights that is written back, or a target network whose copy goes the wrong way, undoes a part"
    " of each update. The loss falls a little and stays. Clipping weights (WGAN) is meant; so small changes only warn.",
    run=run,
)
