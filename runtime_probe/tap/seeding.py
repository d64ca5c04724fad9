"""A data set whose reading sets a seed: its random numbers begin anew with each sample, and are the same in all."""

from __future__ import annotations

import pickle
import random
import sys
import time
from typing import TYPE_CHECKING, Any

import torch

from runtime_probe.tap.loaders import items, spread_out
from runtime_probe.tap.randomness import Randomness, untouched

if TYPE_CHECKING:
    from torch.utils.data import DataLoader

_SAMPLES, _SECONDS = 3, 0.5


def seeded_by_reading(loader: DataLoader[Any]) -> str:
    """Name the package whose seed is the same after each of a few samples; empty for none, and for slow data."""
    chosen, until = spread_out(loader.dataset, _SAMPLES), time.monotonic() + _SECONDS
    after: list[dict[str, bytes]] = []
    with untouched():
        for index in chosen:
            _stir()
            items(loader.dataset, [index])
            after.append(_states())
            if time.monotonic() > until:
                return ""
    if len(after) < _SAMPLES:
        return ""
    return next((name for name, state in after[0].items() if all(other[name] == state for other in after)), "")


def _stir() -> None:
    """Move on, so that only a seed brings a state back."""
    torch.rand(1)
    random.random()  # noqa: S311
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.random()


def _states() -> dict[str, bytes]:
    now = Randomness()
    return {
        name: pickle.dumps(state)
        for name, state in (("torch", bytes(now.torch.tolist())), ("random", now.python), ("numpy.random", now.numpy))
        if state is not None
    }
