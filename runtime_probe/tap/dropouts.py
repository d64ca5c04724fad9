"""Readings that were lost: steps of a sequence that hold a stand-in in place of what was measured.

A code for "nothing there" (0, the origin) is easily seen as long as it is far from all readings. Inside their range, or
moved by a change of the frame of reference, it is not; but a course that is smooth leaves it for a step and comes back,
to the same place each time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from runtime_probe.record import Dropout
from runtime_probe.tap.statistics import tensors

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_SEQUENCES, _STEPS, _FEATURES = 3, 8, 64
"""Dimensions of sequences (N, T, F), fewest steps of one, most features."""
_AWAY, _FAR, _BACK, _SMOOTH = 20.0, 0.5, 0.25, 0.1
"""How far a step lies from the middle of its neighbours: in medians of that distance, and in standard deviations; how
far these lie apart, in it; and the most that median is of a standard deviation in a course that is smooth."""
_FEWEST, _SAME, _ROUNDING = 8, 0.8, 1e-3
"""Steps that come out, share of them at the same place, and what that is, in standard deviations."""
_MOST = 4_000_000


def look(stretches: Sequence[Any], names: Iterable[str]) -> list[Dropout]:
    """Look for steps that leave their course and come back, in collated samples of a data set.

    Args:
        stretches: Collated runs of samples from all over it.
        names: Keys of the parts to be looked at.
    """
    parts = [dict(tensors(stretch)) for stretch in stretches]
    found = []
    for name in sorted(names):
        courses = _joined([part[name].detach().cpu() for part in parts if name in part])
        if courses is None:
            continue
        # Sensors stand in the last dimension, or before it for convolutions over time.
        for course in (courses, courses.transpose(1, 2)):
            lost = _lost(name, course) if course.shape[1] >= _STEPS and course.shape[2] <= _FEATURES else None
            if lost is not None:
                found.append(lost)
                break
    return found


def _joined(found: list[torch.Tensor]) -> torch.Tensor | None:
    alike = bool(found) and all(t.dim() == _SEQUENCES and t.shape[1:] == found[0].shape[1:] for t in found)
    if not alike or not found[0].is_floating_point() or sum(t.numel() for t in found) > _MOST:
        return None
    return torch.cat(found).double()


def _lost(part: str, courses: torch.Tensor) -> Dropout | None:
    """Return the steps of courses (N, T, F) that hold one and the same stand-in; None without any."""
    before, here, after = courses[:, :-2], courses[:, 1:-1], courses[:, 2:]
    away = (here - (before + after) / 2).abs()
    usual, spread = away.flatten(0, 1).median(dim=0).values, courses.flatten(0, 1).std(dim=0)
    in_sample = away.median(dim=1, keepdim=True).values  # some move faster than others
    out = (
        (away > _AWAY * torch.maximum(usual, in_sample))
        & (away > _FAR * spread)
        & ((after - before).abs() < _BACK * away)
    )
    out &= (usual > 0) & (usual < _SMOOTH * spread)
    places = range(courses.shape[2])
    dimensions = [place for place in places if _at_one_place(here[..., place], out[..., place], float(spread[place]))]
    if not dimensions:
        return None
    # A peak that is cut off at the end of its range comes out at the same place, too: alone.
    together = out[..., dimensions].sum(dim=-1)
    alone = float((together == 1).sum()) > (1.0 - _SAME) * float((together > 0).sum())
    if alone and any(_at_an_end(here[..., place], out[..., place], float(spread[place])) for place in dimensions):
        return None
    return Dropout(part, float((together > 0).double().mean()), dimensions, len(courses))


def _at_an_end(here: torch.Tensor, out: torch.Tensor, spread: float) -> bool:
    """Whether most of what comes out is the largest, or the smallest, number of all."""
    ends = torch.stack([here.amin(), here.amax()])
    return float(((here[out][:, None] - ends).abs() < _ROUNDING * spread).any(dim=1).double().mean()) > _SAME


def _at_one_place(here: torch.Tensor, out: torch.Tensor, spread: float) -> bool:
    """Whether what comes out (N, T) of the courses of a dimension is at one place, in all samples or in each."""
    samples, values = out.nonzero(as_tuple=True)[0], here[out]
    if len(values) < _FEWEST or spread <= 0:
        return False
    if float(((values - values.median()).abs() < _ROUNDING * spread).double().mean()) > _SAME:
        return True
    order = torch.argsort(values, stable=True)
    order = order[torch.argsort(samples[order], stable=True)]
    one_sample = samples[order][1:] == samples[order][:-1]
    close = (values[order][1:] - values[order][:-1]).abs() < _ROUNDING * spread
    # What was measured between two steps that were lost comes out, too.
    several, alike = (samples[order][1:][which].unique() for which in (one_sample, one_sample & close))
    return len(several) >= _FEWEST and len(alike) > _SAME * len(several)
