"""Updates that raise the loss: a flipped sign, maximize=True, a hand-written += in place of -=."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Check, Outcome, failed, passed, skipped
from runtime_probe.checks.descent import descents, not_cleared

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Compare the direction of each update with the gradient."""
    for descent in descents(record):
        pairs = zip(descent.predicted, descent.losses, strict=False)
        moving = [p for p, loss in pairs if math.isfinite(p) and abs(p) > t.UPHILL_RESOLVED * abs(loss)]
        maximize = any(record.optimizers[i].maximize for i in descent.optimizers)
        if descent.closures or not_cleared(descent.steps) or len(moving) < 3:
            yield skipped("too few updates to compare with their gradient")
            continue
        if maximize and not family.measures_progress:
            yield passed("the optimizer maximizes, as it may in this family")
            continue
        uphill = sum(p < 0 for p in moving)
        if uphill > t.UPHILL_SHARE * len(moving):
            yield failed(
                f"{uphill} of {len(moving)} updates go up the gradient: they raise the loss",
                "drop maximize=True" if maximize else "check the sign of the update, or of the learning rate",
                descent.where,
                uphill=uphill,
                steps=len(moving),
            )
        else:
            yield passed(f"{len(moving) - uphill} of {len(moving)}", uphill=uphill)


CHECK = Check(
    id="update-goes-uphill",
    title="Updates go down the gradient",
    step=3,
    seed="If it does not, there is a fundamental problem with the forward pass or loss computation.",
    why="The product of update and gradient has a sign whatever the learning rate, the loss or the noise. Momentum"
    " makes it negative for a few steps, a flipped sign for all.",
    run=run,
)
