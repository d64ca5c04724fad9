"""Parameters with a gradient that do not move, or move by weight decay alone."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Check, Outcome, failed, names, number, passed, skipped, warned
from runtime_probe.checks.layers import trained

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Compare gradients with movement."""
    held = [p for p in trained(record) if p.optimizer is not None and _stepped(record, p.optimizer)]
    if not held:
        yield skipped("no update with a learning rate above 0 was applied")
        return
    still = [p for p in held if p.gradients > 0 and p.moved == 0]
    half = [p for p in held if "16" in p.dtype and p.gradients > 0 and len(p.shape) >= 2]
    swallowed = [p for p in half if p.moved < t.MOVED]
    # Weight decay moves what has no gradient; that is no learning.
    decayed = [p for p in held if p.gradients == 0 and p.moved > 0 and len(p.shape) >= 2]
    if swallowed and len(swallowed) > len(half) / 2:
        share = max(p.moved for p in swallowed)
        rate = max(record.optimizers[swallowed[0].optimizer or 0].rates, default=0.0)
        yield failed(
            f"{len(swallowed)} of {len(half)} {swallowed[0].dtype.removeprefix('torch.')} weights do not move: updates"
            f" at a learning rate of {number(rate)} are rounded away ({share:.1%} of the elements changed)",
            "keep the weights in float32 (autocast for the rest), or raise the learning rate",
            record.optimizers[swallowed[0].optimizer or 0].where,
            parameters=[p.name for p in swallowed],
            half=True,
        )
    elif half and sum(p.moved < t.MOVED_FEW for p in half) > len(half) / 2:
        largest = max(p.moved for p in half)
        yield warned(
            f"at most {largest:.0%} of the elements of a {half[0].dtype} weight change in an update: the rest of it is"
            " rounded away",
            "keep the weights in float32, and use autocast for the rest",
            record.optimizers[half[0].optimizer or 0].where,
            half=True,
        )
    elif len(still) > len(held) / 2 and all(math.isfinite(step.applied_norm) for step in record.steps):
        yield failed(
            f"{len(still)} of {len(held)} parameters have a gradient and did not change in"
            f" {len(record.series(still[0].optimizer or 0))} steps: {names([p.name for p in still])}",
            "check that the optimizer holds the parameters of the model in use (made before .to() or a copy?), and that"
            " its learning rate is large enough",
            record.optimizers[still[0].optimizer or 0].where,
            parameters=[p.name for p in still],
        )
    elif len(decayed) > len(held) / 2:
        yield failed(
            f"{len(decayed)} of {len(held)} parameters move by weight decay alone: their gradient is 0",
            "see parameters-without-gradient and loss-detached",
            record.optimizers[decayed[0].optimizer or 0].where,
            parameters=[p.name for p in decayed],
        )
    elif decayed:
        yield warned(
            f"{len(decayed)} of {len(held)} parameters move by weight decay alone: {names([p.name for p in decayed])}",
            "leave them out of the optimizer if they are not used",
            parameters=[p.name for p in decayed],
        )
    else:
        yield passed(f"{sum(p.moved > 0 for p in held)} of {len(held)}")


def _stepped(record: Record, optimizer: int) -> bool:
    return any(
        not step.skipped and max(step.rates, default=0.0) > 0 and step.applied_norm > 0
        for step in record.series(optimizer)
    )


CHECK = Check(
    id="parameters-not-moving",
    title="Parameters move",
    step=4,
    seed="the gradient steps are so tiny the optimization never escapes the initialization basin",
    why="bfloat16 has three digits: an update a thousand times smaller than its weight is rounded to nothing (measured:"
    " 0 % of the weights change at 1e-5). And weight decay moves weights that learn nothing, so that movement alone"
    " comforts falsely.",
    run=run,
)
