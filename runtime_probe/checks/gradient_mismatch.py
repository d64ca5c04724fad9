"""A gradient that is not the gradient of the loss."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Check, Outcome, failed, passed, skipped, warned
from runtime_probe.checks.descent import descents, not_cleared, replayed, resolution

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record

_NUDGE = 1e-3
"""Relative decrease that the tap's nudge aims at."""


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Compare the decrease by a tiny step against the gradient with its prediction."""
    tried = record.experiments
    if tried.nudge_actual is None or not tried.nudge_predicted:
        yield skipped("a tiny step against the gradient was not tried")
        return
    for descent in descents(record):
        if tried.repeat_optimizer not in descent.optimizers:
            continue
        reason = replayed(record, descent)
        if not_cleared(descent.steps):
            reason = "gradients of earlier steps are still there; see gradients-not-cleared"
        elif resolution(record) > _NUDGE:
            reason = "half precision rounds away so small a step"
        elif abs(tried.nudge_predicted) < t.NUDGE_RESOLVED * max(map(abs, filter(math.isfinite, descent.losses))):
            reason = "the loss has fallen so far that so small a step is lost in rounding"
        elif (tried.repeat or 0.0) * abs(descent.losses[-1]) * t.REPEAT_MARGIN > abs(tried.nudge_predicted):
            reason = "the loss does not repeat well enough for so small a step"
        if reason:
            yield skipped(reason)
            return
    ratio = tried.nudge_actual / tried.nudge_predicted
    if t.NUDGE_LOW <= ratio <= t.NUDGE_HIGH:
        yield passed(f"a tiny step lowers the loss by {ratio:.2f} of what its gradient predicts", ratio=ratio)
        return
    where = next((loss.made_at for step in record.steps for loss in step.losses if loss.made_at.path), None)
    message = f"a tiny step against the gradient lowers the loss by {ratio:.2f} of the prediction (healthy: 0.7 to 1.3)"
    remedy = (
        "look for hand-written backward(), detach() in part of the loss, gradient hooks, and in-place edits of .grad"
    )
    # A detached target or a reversed branch is meant so in these families.
    judge = failed if ratio < 0 and family.name in {"supervised", "flow", "diffusion"} else warned
    yield judge(message, remedy, where, ratio=ratio)


CHECK = Check(
    id="gradient-mismatch",
    title="Gradient belongs to the loss",
    step=3,
    seed="If it does not, there is a fundamental problem with the forward pass or loss computation.",
    why="For a step short enough, actual and predicted decrease are equal at any learning rate, with any optimizer"
    " (measured: 1.00 in 21 of 22 healthy families). If not, what is followed is the gradient of something else.",
    run=run,
)
