"""A data set that is asked for the same samples again: by what do they differ?"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import torch

from runtime_probe.tap.loaders import items, spread_out
from runtime_probe.tap.randomness import untouched
from runtime_probe.tap.statistics import tensors

if TYPE_CHECKING:
    from torch.utils.data import DataLoader

_SAMPLES, _DRAWS, _SECONDS = 8, 6, 1.0


def draw(loader: DataLoader[Any]) -> list[dict[str, torch.Tensor]]:
    """Return the same few samples, collated, several times.

    Fewer where the data set is slow; none of a stream, and where the second time is like the first.
    """
    chosen = spread_out(loader.dataset, _SAMPLES)
    began = time.monotonic()
    draws: list[dict[str, torch.Tensor]] = []
    if not chosen or loader.collate_fn is None:
        return draws
    with untouched():
        while len(draws) < _DRAWS and time.monotonic() - began < _SECONDS:
            read = loader.collate_fn(items(loader.dataset, chosen))
            draws.append({name: t.detach().cpu() for name, t in tensors(read)})
            if len(draws) > 1 and all(torch.equal(t, draws[0][n]) for n, t in draws[-1].items() if n in draws[0]):
                return []
    return draws
