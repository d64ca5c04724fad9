"""A data set that is asked for the same samples again: by what do they differ?"""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING, Any

import torch
from torch.utils.data import DataLoader, IterableDataset

from runtime_probe.tap.loaders import items, length
from runtime_probe.tap.randomness import Randomness
from runtime_probe.tap.statistics import lengths, rows_of, tensors

if TYPE_CHECKING:
    from collections.abc import Sequence

_SAMPLES, _DRAWS, _SECONDS = 8, 6, 1.0
_SEQUENCES = 3
_NEEDED = 3
"""Draws that show the same change twice."""
_ROUNDING, _CHANGE = 1e-4, 1e-3


def draw(loader: DataLoader[Any]) -> list[dict[str, torch.Tensor]]:
    """Return the same few samples, collated, several times.

    Fewer where the data set is slow; none of a stream, and where the second time is like the first.
    """
    data: Any = loader.dataset
    whole = length(data)
    if isinstance(data, IterableDataset) or loader.collate_fn is None or whole < 1:
        return []
    chosen = [number * whole // _SAMPLES for number in range(min(_SAMPLES, whole))]
    state, began = Randomness(), time.monotonic()
    draws: list[dict[str, torch.Tensor]] = []
    try:
        while len(draws) < _DRAWS and time.monotonic() - began < _SECONDS:
            draws.append({name: t.detach().cpu() for name, t in tensors(loader.collate_fn(items(data, chosen)))})
            if len(draws) > 1 and all(torch.equal(t, draws[0][n]) for n, t in draws[-1].items() if n in draws[0]):
                return []
    finally:
        state.put_back()
    return draws


def drifting(draws: Sequence[dict[str, torch.Tensor]]) -> str:
    """Name the part whose numbers change by one and the same factor and offset each time that they are read.

    Augmentation draws anew for each sample; what is scaled in place is scaled again with each epoch.
    """
    if len(draws) < _NEEDED:
        return ""
    for name, first in draws[0].items():
        series = [first, *(later[name] for later in draws[1:_NEEDED] if name in later)]
        series = _cut(series)
        alike = len(series) == _NEEDED and all(t.shape == series[0].shape for t in series)
        if alike and first.is_floating_point() and first.dim() > 0 and all(bool(t.isfinite().all()) for t in series):
            maps = [_affine(a, b) for a, b in itertools.pairwise([_in_order(t) for t in series])]
            if maps[0] is not None and maps[1] is not None and _same(maps[0], maps[1]):
                return name
    return ""


def _cut(series: list[torch.Tensor]) -> list[torch.Tensor]:
    """Sequences (n, t, ...) that are cut at random and filled up: the beginning that all samples have in all draws."""
    first = series[0]
    if first.dim() != _SEQUENCES or any(t.dim() != _SEQUENCES or t.shape[2] != first.shape[2] for t in series):
        return series
    if all(t.shape == first.shape and bool(t[:, -1].any(dim=-1).all()) for t in series):
        return series
    shortest = min(int(lengths(t).min()) for t in series)
    return [t[:, :shortest] for t in series]


def _in_order(value: torch.Tensor) -> torch.Tensor:
    """(rows, features); of pictures and sequences the values of each sample in order, as if they were never flipped."""
    rows = rows_of(value)
    return rows.reshape(len(value), -1, rows.shape[1]).sort(dim=1).values.flatten(0, 1) if value.dim() > 2 else rows


def _affine(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor | None:
    """Factor and offset (2, features) that make y of x (rows, features), to rounding; None without, or of 1, 0."""
    mean, spread = x.mean(dim=0), x.var(dim=0, unbiased=False)
    varied = spread > 0
    if len(x) < _SAMPLES or not bool(varied.any()):
        return None
    x, y, mean, spread = x[:, varied], y[:, varied], mean[varied], spread[varied]
    factor = ((x - mean) * (y - y.mean(dim=0))).mean(dim=0) / spread
    offset = y.mean(dim=0) - factor * mean
    left = (y - factor * x - offset).square().mean(dim=0).sqrt()
    exact = bool((left <= _ROUNDING * (y.std(dim=0) + y.abs().mean(dim=0))).all())
    still = bool(((factor - 1).abs() < _CHANGE).all()) and bool((offset.abs() < _CHANGE * spread.sqrt()).all())
    return torch.stack([factor, offset]) if exact and not still and bool((factor != 0).all()) else None


def _same(one: torch.Tensor, other: torch.Tensor) -> bool:
    return one.shape == other.shape and torch.allclose(one, other, rtol=_CHANGE * 10, atol=_CHANGE)
