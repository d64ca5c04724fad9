"""A collate_fn that is given the same samples in another order: do all parts of the batch go along?"""

from __future__ import annotations

import copy
import time
from typing import TYPE_CHECKING, Any

import torch

from runtime_probe.record import TakenApart
from runtime_probe.tap.loaders import samples, spread_out
from runtime_probe.tap.randomness import untouched
from runtime_probe.tap.statistics import tensors

if TYPE_CHECKING:
    from torch.utils.data import DataLoader

_SAMPLES, _FEWEST, _SECONDS = 8, 4, 0.5
_FIRST = 3
"""Sample that comes first the second time; none stays where it was."""


def taken_apart(loader: DataLoader[Any]) -> TakenApart | None:
    """Find a part that a collate_fn brings into an order of its own beside one that it leaves; None for none."""
    chosen = spread_out(loader.dataset, _SAMPLES)
    if len(chosen) < _FEWEST or loader.collate_fn is None:
        return None
    order = [(_FIRST + place) % len(chosen) for place in range(len(chosen))]
    with untouched() as state:
        read = samples(loader.dataset, chosen, time.monotonic() + _SECONDS)
        if len(read) < len(chosen):
            return None
        state.put_back()
        # Some take the labels out of the samples that they are given.
        before = dict(tensors(loader.collate_fn([copy.copy(sample) for sample in read])))
        state.put_back()
        after = dict(tensors(loader.collate_fn([copy.copy(read[place]) for place in order])))
    sorted_, left = [], []
    for name, rows in before.items():
        same = name in after and rows.shape == after[name].shape and rows.dim() > 0 and len(rows) == len(order)
        if same and not torch.equal(rows, rows[order]):
            sorted_ += [name] if torch.equal(after[name], rows) else []
            left += [name] if torch.equal(after[name], rows[order]) else []
    return TakenApart(sorted_[0], left[0]) if sorted_ and left else None
