"""The path of a flow, from what the model is given at two times, against the velocity it is to predict."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from runtime_probe.record import VelocityRecord

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_SHORTEST = 1e-3
"""Of the unit of time: a shorter difference says little about a direction."""


@torch.no_grad()
def agreement(
    before: Mapping[str, torch.Tensor], after: Mapping[str, torch.Tensor], time: str, targets: Sequence[torch.Tensor]
) -> VelocityRecord | None:
    """Compare the target with the slope of the noised sample; None where there is no such pair.

    Data and noise are the same at both times, so the input that moves with time is the noised sample x_t, (B, ...), and
    its difference over that of the times, (B,), is the velocity of a straight path. A target that is a velocity is
    parallel to it, with cosine 1; one that is data or noise is not.

    Args:
        before: Inputs of the model by name, the time among them.
        after: The same at other times.
        time: Name of the time.
        targets: What losses compared with, of the same draws.
    """
    if time not in before or time not in after or before[time].shape != after[time].shape:
        return None
    passed = (after[time] - before[time]).double().flatten()
    best: VelocityRecord | None = None
    for name, sample in after.items():
        if name == time or sample.shape != before[name].shape or sample.dim() < 2 or len(sample) != len(passed):
            continue
        moved = (sample - before[name]).double().flatten(1)
        chosen = passed.abs() > _SHORTEST
        for target in targets:
            if target.shape != sample.shape or not bool(chosen.any()) or not bool(moved[chosen].any()):
                continue
            slope, wanted = moved[chosen] / passed[chosen, None], target.double().flatten(1)[chosen]
            cosines = torch.cosine_similarity(slope, wanted, dim=1)
            told = wanted.norm(dim=1) > _SHORTEST * wanted.norm(dim=1).max()
            cosine = float(cosines[told].mean()) if bool(told.any()) else 0.0
            if best is None or abs(cosine) > abs(best.cosine):
                lengths = wanted.norm(dim=1) / slope.norm(dim=1).clamp(min=1e-12)
                best = VelocityRecord(cosine, float(lengths.min()), float(lengths.max()))
    return best
