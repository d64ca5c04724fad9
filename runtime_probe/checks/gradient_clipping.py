"""Clipping: there when it is needed, in its place, in the right units, over all parameters."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Check, Outcome, number, passed, skipped, warned
from runtime_probe.checks.descent import middle

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record, Where


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Look at the clips between backward and step, for each optimizer."""
    bare: list[tuple[float, str, Where]] = []
    for index, optimizer in enumerate(record.optimizers):
        steps = record.series(index)
        norms = [step.grad_norm for step in steps if math.isfinite(step.grad_norm)]
        if not norms:
            yield skipped(f"{optimizer.name}: no gradient")
            continue
        clips = [clip for step in steps for clip in step.clips]
        # A bound may also be put on by hand, or within the optimizer: then only the norm shows it.
        by_hand = any(step.applied_norm < 0.99 * step.grad_norm for step in steps if step.grad_norm > 0)
        peak = max(norms)
        if not clips and not by_hand:
            misplaced = any(step.misplaced_clips for step in steps)
            if peak <= t.CLIP_NORM or misplaced:
                yield passed(f"{optimizer.name}: nothing is clipped, the norm is {number(peak)} at most", peak=peak)
            else:
                bare.append((peak, optimizer.name, optimizer.where))
            continue
        active = sum(step.applied_norm < 0.99 * step.grad_norm for step in steps)
        over = middle([c.norm / c.limit for c in clips if c.limit > 0 and math.isfinite(c.norm) and not c.scaled])
        numbers: dict[str, Any] = {"active": active, "steps": len(steps), "norm_over_limit": over, "peak": peak}
        if over > t.CLIP_ALWAYS:
            yield warned(
                f"clipping acts on every step: the norm is {number(over)} times the limit of {number(clips[0].limit)}",
                "look for the reason of the large gradients, or raise the limit, which now sets every step",
                clips[0].where,
                **numbers,
            )
        else:
            limit = f" at {number(clips[0].limit)}" if clips else ""
            yield passed(f"{optimizer.name}: clipped{limit}, active in {active} of {len(steps)} steps", **numbers)
    if bare:
        peak, name, where = max(bare, key=lambda one: one[0])
        others = f" of {name} (and {len(bare) - 1} more optimizers)" if len(bare) > 1 else ""
        yield warned(
            f"the gradient norm{others} reaches {number(peak)} and nothing clips it",
            "torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0) between backward() and step()",
            where,
            peak=peak,
        )


CHECK = Check(
    id="gradients-not-clipped",
    title="Gradient clipping",
    step=4,
    seed="Add clipping if norms exceed 1.0.",
    why="One bad batch gives a gradient that throws the weights far from the minimum. A bound of 1.0 is OpenVLA's"
    " default (arXiv:2406.09246). Clipping that acts at each step is common and fine; at a hundred times the limit it"
    " hides where the large gradients come from.",
    run=run,
)
