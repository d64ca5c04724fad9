"""The shape of the ten losses, in the seed's words."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Check, Outcome, passed, skipped
from runtime_probe.checks.descent import descents, replayed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record

_OSCILLATES = 0.6
"""Share of the steps at which the loss turns round."""
_FLAT = 1e-3
"""Relative change over all steps."""


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Name the shape; the causes are judged by other checks."""
    if not family.measures_progress:
        yield skipped(f"the loss of {family.name} does not measure progress")
        return
    for descent in descents(record):
        reason = replayed(record, descent)
        losses = [value for value in descent.losses if math.isfinite(value)]
        if reason or len(losses) < 4:
            yield skipped(reason or "too few losses")
        else:
            yield passed(shape(losses), where=descent.where, losses=losses)


def shape(losses: list[float]) -> str:
    """Describe a series of at least four losses."""
    moves = [after - before for before, after in itertools.pairwise(losses)]
    turns = sum(a * b < 0 for a, b in itertools.pairwise(moves))
    if any(after > t.SPIKE * before > 0 for before, after in itertools.pairwise(losses)):
        return "spikes: exploding gradients or a data outlier"
    if turns > _OSCILLATES * (len(moves) - 1):
        return "oscillates: the learning rate may be too high"
    if max(losses) - min(losses) < _FLAT * abs(losses[0]):
        return "flat: the learning rate may be too low"
    if losses[-1] < losses[0]:
        return "decreases" + (" steadily" if all(m < 0 for m in moves) else "")
    return "rises"


CHECK = Check(
    id="loss-curve-shape",
    title="Shape of the curve",
    step=6,
    seed="Read the loss curve shape. Plateau: learning rate. Oscillation: learning rate too high. Spike: exploding"
    " gradients or data outlier. Steadily decreasing but wrong floor: capacity or data consistency.",
    why="Ten steps show the start of the curve only; its name is given here, the cause where it was tested.",
    run=run,
)
