"""Held-out data beside those of training: do their inputs come in the same numbers?

Statistics are computed for one data set and forgotten for the other, more often than for both.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import torch

from runtime_probe.record import HeldOut
from runtime_probe.tap.loaders import samples, spread_out
from runtime_probe.tap.randomness import untouched
from runtime_probe.tap.statistics import rows_of, tensors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from torch.utils.data import DataLoader

    from runtime_probe.tap.living import Living

_SAMPLES, _FEWEST, _SECONDS = 48, 16, 0.5
_MOST_SETS = 3


def compare(loader: DataLoader[Any], inputs: Iterable[str], living: Living) -> list[HeldOut]:
    """Read samples of the data set of training and of each other one, and compare the scales of inputs they share."""
    data: Any = loader.dataset
    inputs = sorted(inputs)
    with untouched():
        own = _read(data, loader.collate_fn) if inputs else {}
        others = [(other, _read(other, collate)) for other, collate in _others(loader, living)] if own else []
    found = []
    for other, parts in others:
        for name in inputs:
            one = _compared(name, type(other).__name__, own.get(name), parts.get(name))
            if one is not None:
                found.append(one)
    return found


def _others(loader: DataLoader[Any], living: Living) -> Iterator[tuple[Any, Any]]:
    """Data sets of other loaders and of a Trainer of transformers, each with what collates its samples."""
    candidates = [(other.dataset, other.collate_fn) for other in living["DataLoader"] if "dataset" in vars(other)]
    for trainer in living["Trainer"]:
        held = vars(trainer).get("eval_dataset")
        candidates += [(one, loader.collate_fn) for one in (held.values() if isinstance(held, dict) else [held])]
    known = [loader.dataset]
    for data, collate in candidates:
        if data is not None and all(data is not other for other in known) and len(known) <= _MOST_SETS:
            known.append(data)
            yield data, collate


def _read(data: Any, collate: Callable[[Any], Any] | None) -> dict[str, torch.Tensor]:
    """Collated samples from all over a data set; none where it is short, or slow."""
    if collate is None:
        return {}
    found = samples(data, spread_out(data, _SAMPLES), time.monotonic() + _SECONDS)
    return dict(tensors(collate(found))) if len(found) >= _FEWEST else {}


def _compared(name: str, other: str, own: torch.Tensor | None, theirs: torch.Tensor | None) -> HeldOut | None:
    if own is None or theirs is None or own.dim() != theirs.dim() or own.dtype != theirs.dtype:
        return None
    if not own.is_floating_point() and own.dtype != torch.uint8:
        return None
    a, b = rows_of(own), rows_of(theirs)
    if a.shape[1] != b.shape[1]:
        return None
    spread = a.std(dim=0)
    varied = (spread > 0) & (b.std(dim=0) > 0)
    if not bool(varied.any()) or not bool(a.isfinite().all() and b.isfinite().all()):
        return None
    ratio = (b.std(dim=0) / spread)[varied].median()
    shift = ((b.mean(dim=0) - a.mean(dim=0)).abs() / torch.maximum(spread, b.std(dim=0)))[varied].median()
    return HeldOut(name, other, float(ratio), float(shift))
