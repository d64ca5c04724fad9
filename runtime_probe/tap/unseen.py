"""Classes that a model has an output for, and no sample in the data set: labels were merged, cut off or divided."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import torch
from torch.utils.data import IterableDataset

from runtime_probe.record import ClassesUnseen
from runtime_probe.tap.loaders import length, samples, spread_out
from runtime_probe.tap.randomness import untouched
from runtime_probe.tap.statistics import tensors

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch.utils.data import DataLoader

    from runtime_probe.record import Record

_SAMPLES, _FEWEST, _FIRST, _SECONDS = 512, 256, 64, 1.5
"""Samples that are read, and so many before the others: mostly all classes are among them."""
_MOST_CLASSES = 20
"""A class of more may be rare, or a bin, or a word."""
_LABELS, _MAPS = 1, 3
"""Dimensions of the labels of samples (N,) and of pixels (N, H, W)."""


def look(loader: DataLoader[Any], targets: Iterable[str], record: Record) -> list[ClassesUnseen]:
    """Read labels from all over a data set, where some class of a head was not among the first ones."""
    data: Any = loader.dataset
    heads = {
        len(call.target_shape): call.classes
        for call in record.loss_calls
        if 1 < call.classes <= _MOST_CLASSES and len(call.target_shape) in (_LABELS, _MAPS)
    }
    if isinstance(data, IterableDataset) or loader.collate_fn is None or not heads:
        return []
    found = []
    with untouched():
        read = _read(loader, spread_out(data, _FIRST))
        for name in sorted(targets):
            part = read.get(name)
            classes = heads.get(part.dim(), 0) if part is not None and not part.is_floating_point() else 0
            if classes and _missing(part, classes):
                # Whoever asks a class that is rare asks many.
                more = _read(loader, spread_out(data, _SAMPLES)).get(name)
                enough = more is not None and len(more) >= min(_FEWEST, length(data))
                missing = _missing(more, classes) if enough else []
                if missing:
                    found.append(ClassesUnseen(name, classes, missing, len(more) if more is not None else 0))
    return found


def _read(loader: DataLoader[Any], chosen: list[int]) -> dict[str, torch.Tensor]:
    read = samples(loader.dataset, chosen, time.monotonic() + _SECONDS) if chosen else []
    parts = tensors(loader.collate_fn(read)) if read and loader.collate_fn is not None else []
    return {name: part.detach().cpu() for name, part in parts}


def _missing(labels: torch.Tensor | None, classes: int) -> list[int]:
    """Return the classes that no label is of; none where labels are something else than these classes."""
    if labels is None or labels.dtype == torch.bool:
        return []
    kinds = set(labels[labels >= 0].unique().tolist())
    return sorted(set(range(classes)) - kinds) if kinds and max(kinds) < classes else []
