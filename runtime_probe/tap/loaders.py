"""One batch of four: what DataLoaders hand out once training has begun."""

from __future__ import annotations

import contextlib
import copy
import time
import weakref
from collections import UserDict
from typing import TYPE_CHECKING, Any

import torch
from torch.utils.data import DataLoader, IterableDataset, SequentialSampler, Subset, WeightedRandomSampler

from runtime_probe.tap.places import here
from runtime_probe.tap.randomness import Randomness
from runtime_probe.tap.statistics import follows, tensors

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runtime_probe.tap.session import Session


_FEWEST_SAMPLES, _MOST_CLASSES = 8, 1000
_AT_ONCE = 16
"""Samples that are read before the clock is looked at."""


class Feed:
    """The batches of all loaders of this process."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.replaying = False
        self.kept: dict[int, Any] = {}
        self.whole: dict[int, Any] = {}
        """The batches that those were cut from, while it is not known whether they can be learnt from."""
        self.first: weakref.ref[DataLoader[Any]] | None = None
        """The first loader that training goes through; data sets must be free to go (`left`)."""
        self.alive: list[Any] = []
        """What must live on because its id is a key of `kept`; an id is only unique while its object lives."""
        self.left: dict[tuple[str, str, int], Any] = {}
        """Batches of data sets that are gone: a script that makes its data set anew for each epoch, at the same
        line, of the same class and length, means the same one."""

    def install(self) -> None:
        """Let every DataLoader hand out batches through this feed."""
        original = DataLoader.__iter__
        feed = self

        def __iter__(loader: DataLoader[Any]) -> Any:  # noqa: N807
            # A new epoch draws a seed; the draws of a replayed step must not depend on where the epoch begins.
            state = Randomness() if feed.replaying and feed.session.active else None
            made = original(loader)
            if state is not None:
                state.put_back()
            return _Batches(feed, loader, made) if feed.session.active else made

        self.session.patches.replace(DataLoader, "__iter__", __iter__)

    def take(self, batch: Any) -> None:
        """Keep a batch that somebody has in hand, cut, as that of a loader would be."""
        wanted, report = self.session.options.batch_size, self.session.record.batch
        size = _common_size(batch)
        report.loaders, report.original = 1, size
        report.keys = [name for name, _ in tensors(batch)]
        self.session.note_timestamps(batch)
        smaller = cut(batch, size, wanted) if size > wanted else batch
        if not size or smaller is None:
            report.reason = "its samples could not be told apart"
        report.size = min(size, wanted) if size and smaller is not None else size
        self.kept[id(batch)] = smaller if smaller is not None else batch
        self.alive.append(batch)

    def again(self, batch: Any) -> Any:
        """Return a fresh copy of what was kept of a batch by `take`."""
        return self.noted(copy.deepcopy(self.kept[id(batch)]))

    def noted(self, batch: Any) -> Any:
        """Remember what the parts of a batch are called, while everything is watched, and return it."""
        if self.session.watching:
            self.session.parts.note_batch(batch)
            self.session.masks.note_batch(batch)
        return batch

    def hand_out(self, loader: DataLoader[Any], last: Any, own: Iterator[Any]) -> Any:
        """Return the batch that is replayed for the data set of `loader`, a fresh copy each time.

        `last` is the batch that the loader handed out before, None if it has not; `own` has its next ones.
        """
        key = id(loader.dataset)
        if key not in self.kept:
            state = Randomness()
            signature = (str(here(3)), type(loader.dataset).__name__, length(loader))
            found = self.left.pop(signature, None)
            self.kept[key] = found if found is not None else self._cut(loader, last, own)
            try:
                weakref.finalize(loader.dataset, self._leave, key, signature)
            except TypeError:  # an object that nobody can watch is kept
                self.alive.append(loader.dataset)
            state.put_back()
        return copy.deepcopy(self.kept[key])

    def widen(self) -> None:
        """The few samples have no gradient, where all of them had one: from now on hand out the whole batches."""
        for key, batch in self.whole.items():
            if key in self.kept:
                self.kept[key] = batch
                self.session.record.batch.size = self.session.record.batch.original
                self.session.record.batch.reason = "its first samples alone have no gradient"

    def _leave(self, key: int, signature: tuple[str, str, int]) -> None:
        self.left[signature] = self.kept.pop(key)

    def _cut(self, loader: DataLoader[Any], last: Any, own: Iterator[Any]) -> Any:
        """A batch of the wanted size: collated anew where the loader collates, else sliced."""
        wanted, report = self.session.options.batch_size, self.session.record.batch
        size = _batch_size(loader, last)
        report.loaders += 1
        self.first = weakref.ref(loader) if self.first is None else self.first
        report.in_order = report.in_order or (_in_order(loader) and length(loader) > 1)
        report.original = report.original or size
        report.share = report.share if report.share is not None else _share(loader)
        if not report.keys:
            report.keys = [name for name, _ in tensors(last)] if last is not None else []
            self.session.note_timestamps(last)
            report.same = _same(last)
            report.sampler_follows = _sampler_follows(loader)
        if last is not None and 0 < size <= wanted:
            report.size = report.size or size
            return last
        if last is not None and size:
            self.whole[id(loader.dataset)] = last
        batch, reason = None, ""
        try:
            batch = _collate_anew(loader, wanted)
        except Exception as error:  # noqa: BLE001 - somebody's data set
            reason = f"{type(error).__name__}: {error}"
        if batch is None:
            last = last if last is not None else next(own)
            size = size or _batch_size(loader, last)
            batch = cut(last, size, wanted) if size else None
        if batch is None:
            report.reason = report.reason or reason or "its samples could not be told apart"
            report.size = report.size or size
            return last
        report.size = report.size or wanted
        return batch


def _same(batch: Any) -> str:
    """Name the largest part of a batch if all samples have the same there, and more than one number."""
    floats = [(n, t) for n, t in tensors(batch) if t.is_floating_point() and t.dim() > 1 and len(t) >= _FEWEST_SAMPLES]
    name, part = max(floats, key=lambda pair: pair[1].numel(), default=("", None))
    if part is None or not bool((part == part[:1]).all()) or bool((part == part.flatten()[0]).all()):
        return ""
    return name


def _sampler_follows(loader: DataLoader[Any]) -> float | None:
    """Samples of one class share a weight: is it larger where there are more of them?"""
    sampler = getattr(loader.batch_sampler, "sampler", None)
    if not isinstance(sampler, WeightedRandomSampler):
        return None
    values, counts = sampler.weights.unique(return_counts=True)
    return follows(values, counts) if 1 < len(values) <= _MOST_CLASSES else None


def _in_order(loader: DataLoader[Any]) -> bool:
    """Whether it begins with the first sample; one with a batch sampler has another sampler beside it, and unused."""
    sampler: Any = loader.batch_sampler
    while hasattr(sampler, "batch_sampler"):  # accelerate's share of one process
        sampler = sampler.batch_sampler
    return isinstance(getattr(sampler, "sampler", None), SequentialSampler)


def _share(loader: DataLoader[Any]) -> float | None:
    """How much of a data set is left in a subset of it; None where there is no subset."""
    inner: Any = loader.dataset
    while isinstance(inner, Subset):
        inner = inner.dataset
    whole = length(inner)
    return length(loader.dataset) / whole if inner is not loader.dataset and whole > 0 else None


def length(sized: Any) -> int:
    """Return the number of batches, or of samples; -1 for a stream (TypeError), and where `__len__` is left open.

    Those raise NotImplementedError, as base classes do. A script that never asks for the length trains well with them.
    """
    try:
        return len(sized)
    except (TypeError, NotImplementedError):
        return -1


def _batch_size(loader: DataLoader[Any], batch: Any) -> int:
    declared = loader.batch_size or getattr(loader.batch_sampler, "batch_size", None)
    if isinstance(declared, int):
        return declared
    return _common_size(batch)


def _common_size(batch: Any) -> int:
    """First dimension of all tensors of a batch; 0 if they differ."""
    sizes = {len(tensor) for _, tensor in tensors(batch) if tensor.dim()}
    return sizes.pop() if len(sizes) == 1 else 0


def _collate_anew(loader: DataLoader[Any], wanted: int) -> Any:
    """The first samples of a batch of a map-style data set through the loader's own collate_fn."""
    if isinstance(loader.dataset, torch.utils.data.IterableDataset) or loader.batch_sampler is None:
        return None
    chosen = list(next(iter(loader.batch_sampler)))[:wanted]
    return loader.collate_fn(items(loader.dataset, chosen))


def items(data: Any, chosen: list[Any]) -> Any:
    """Samples of a map-style data set, fetched as torch's own fetcher does."""
    found = data.__getitems__(chosen) if hasattr(data, "__getitems__") else None
    return found if found is not None else [data[index] for index in chosen]


def samples(data: Any, chosen: Sequence[int], until: float) -> list[Any]:
    """Samples of a map-style data set, a few at a time; those that were read when the clock was at `until`."""
    found: list[Any] = []
    for start in range(0, len(chosen), _AT_ONCE):
        found += items(data, list(chosen[start : start + _AT_ONCE]))
        if time.monotonic() > until:
            break
    return found


def spread_out(data: Any, wanted: int) -> list[int]:
    """Places of so many samples, or of all, from all over a data set; none of a stream."""
    whole = 0 if isinstance(data, IterableDataset) else max(0, length(data))
    wanted = min(wanted, whole)
    return [number * whole // wanted for number in range(wanted)]


def cut(batch: Any, size: int, wanted: int) -> Any:
    """Slice what has `size` entries in nested containers to `wanted`; None if nothing has."""
    found = [False]

    def sliced(value: Any) -> Any:
        if isinstance(value, torch.nn.utils.rnn.PackedSequence):
            raise TypeError
        if isinstance(value, torch.Tensor) or type(value).__module__ == "numpy":
            if getattr(value, "ndim", 0) and len(value) == size:
                found[0] = True
                return value[:wanted]
            return value
        if isinstance(value, dict):
            made = copy.copy(value)
            made.update((key, sliced(item)) for key, item in value.items())
            return made
        if isinstance(value, UserDict):  # BatchEncoding is one
            wrapped = copy.copy(value)
            wrapped.data = sliced(value.data)
            return wrapped
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            return type(value)(*(sliced(item) for item in value))
        if isinstance(value, (list, tuple)):
            plain = all(isinstance(item, (str, int, float)) for item in value)
            return value[:wanted] if plain and len(value) == size else type(value)(sliced(item) for item in value)
        if hasattr(value, "__dataclass_fields__") and not isinstance(value, type):
            made = copy.copy(value)
            for name in value.__dataclass_fields__:
                with contextlib.suppress(AttributeError):
                    setattr(made, name, sliced(getattr(value, name)))
            return made
        return value

    try:
        made = sliced(batch)
    except TypeError:
        return None
    return made if found[0] else None


class _Batches:
    """The loader's own batches until training has begun, then the same small one."""

    def __init__(self, feed: Feed, loader: DataLoader[Any], own: Any) -> None:
        self._feed, self._loader, self._own = feed, loader, own
        self._last: Any = None
        self._count = 0
        self._ended = False

    def __iter__(self) -> _Batches:
        return self

    def __next__(self) -> Any:
        # Validation runs without gradients, and through its own whole batches.
        if not self._feed.replaying or not self._feed.session.active or not torch.is_grad_enabled():
            self._last = next(self._own)
            self._count += 1
            return self._feed.noted(self._last)
        if self._ended or self._count >= self._length():
            self._ended = True
            raise StopIteration
        self._count += 1
        batch = self._feed.hand_out(self._loader, self._last, self._own)
        self._last = None
        return self._feed.noted(batch)

    def _length(self) -> float:
        known = length(self._loader)
        return known if known >= 0 else float("inf")

    def __len__(self) -> int:
        return len(self._own)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._own, name)
