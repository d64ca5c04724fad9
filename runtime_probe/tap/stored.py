"""What a data set keeps in memory: is it the same after samples were read?"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import torch
from torch.utils.data import Dataset

from runtime_probe.tap import places
from runtime_probe.tap.loaders import items, length, samples, spread_out
from runtime_probe.tap.randomness import untouched

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch.utils.data import DataLoader

_SAMPLES, _SECONDS = 4, 0.3
_FEWEST, _MOST_ELEMENTS, _MOST_OBJECTS, _DEEPEST = 8, 50_000_000, 20_000, 5

_COMPARED = 100_000
"""Numbers of two arrays."""

Kept = list[tuple[str, torch.Tensor, tuple[float, float]]]
"""Name of an attribute, an array that it holds, and two sums of it."""


def changed_by_reading(loader: DataLoader[Any]) -> str:
    """Read a few samples twice, with the same random draws, and name what the second time changed in the data set.

    The first time may fill a cache, or a buffer.
    """
    data: Any = loader.dataset
    chosen, until = spread_out(data, _SAMPLES), time.monotonic() + _SECONDS
    with untouched() as state:
        samples(data, chosen, until)
        if not chosen or time.monotonic() > until:
            return ""
        before = kept(data)
        state.put_back()
        items(data, chosen)
        found = changed(before)
        if not found:
            # What is drawn anew each time may change the samples themselves; a buffer has no row for each of them.
            rows = length(data)
            before = [one for one in kept(data) if len(one[1]) == rows]
            items(data, chosen)
            found = changed(before)
    return found


def kept(data: Any) -> Kept:
    """Return the arrays of numbers that a data set holds, as far as they can be summed in no time."""
    found: Kept = []
    elements = 0
    for name, tensor in _arrays(data):
        elements += tensor.numel()
        if elements > _MOST_ELEMENTS:
            break
        found.append((name, tensor, _sums(tensor)))
    return found


def cut_off(data: Any) -> str:
    """Name an array of whole numbers that a data set holds, if the script has the same one with fractions."""
    whole = list(_arrays(data, whole=True))
    frames = [dict(frame.f_locals) for frame in places.user_frames()]
    floats = list(_arrays([data, *frames])) if whole else []
    for name, array in whole:
        for _, original in floats:
            if original.shape != array.shape:
                continue
            kept, numbers = (x.detach().flatten()[:_COMPARED].double() for x in (array, original))
            cut = (numbers.trunc(), numbers.round(), numbers.floor())
            told = not torch.equal(numbers, numbers.round()) and not bool((kept == kept[0]).all())
            if told and any(torch.equal(kept, one) for one in cut):
                return name
    return ""


def changed(before: Kept) -> str:
    """Name the attribute that holds an array whose numbers are others by now; empty for none."""
    return next((name for name, tensor, sums in before if _sums(tensor) != sums), "")


def _sums(tensor: torch.Tensor) -> tuple[float, float]:
    numbers = tensor.detach().double().nan_to_num()
    return float(numbers.sum()), float(numbers.abs().sum())


def _arrays(data: Any, *, whole: bool = False) -> Iterator[tuple[str, torch.Tensor]]:
    """Arrays below the attributes of a data set, and of those that it wraps; each shares the memory of the original.

    Args:
        data: It, or a container.
        whole: Those of whole numbers, not those with fractions.
    """
    numpy = sys.modules.get("numpy")
    left: list[tuple[str, Any, int]] = [("", data, 0)]
    seen: set[int] = set()
    while left and len(seen) < _MOST_OBJECTS:
        name, value, depth = left.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        kind = "iu" if whole else "f"
        if numpy is not None and type(value) is numpy.ndarray and value.dtype.kind in kind and value.flags.writeable:
            value = torch.from_numpy(value) if value.dtype.itemsize <= 8 else None
        if isinstance(value, torch.Tensor):
            fractions = value.is_floating_point() or value.is_complex()
            fits = not fractions and value.dtype != torch.bool if whole else value.is_floating_point()
            if fits and value.numel() >= _FEWEST and value.device.type == "cpu":
                yield name, value
        elif depth < _DEEPEST:
            left += [(key or name, item, depth + 1) for key, item in _within(value)]


def _within(value: Any) -> list[tuple[str, Any]]:
    """What a container holds, and what an object of the script or of torch.utils.data does, with its name there."""
    if isinstance(value, (list, tuple, dict)):
        return [("", item) for item in (value.values() if isinstance(value, dict) else value)]
    if (isinstance(value, Dataset) or places.is_of_user(value)) and hasattr(value, "__dict__"):
        return [(f"{type(value).__name__}.{key}", item) for key, item in vars(value).items()]
    return []
