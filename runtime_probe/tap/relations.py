"""Do the targets of a data set have to do with its inputs, and with those of the same moment?

Labels that were sorted otherwise than the samples, or joined by the wrong key, give a loss that falls as the mean is
learnt, and for four samples as they are learnt by heart. So the data themselves are asked.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import torch
from torch.utils.data import DataLoader, IterableDataset

from runtime_probe.record import Relation
from runtime_probe.tap.loaders import length, samples
from runtime_probe.tap.randomness import untouched
from runtime_probe.tap.statistics import lengths, tensors

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_STRETCHES, _FEWEST, _LENGTH = 8, 4, 128
"""Read from the data set: runs of samples that follow each other."""
_SECONDS = 1.5
"""For all of them; slow data sets are left alone."""
_FEATURES, _FITTED = 256, 64
"""Of the inputs: for distances, and for a linear fit to half of the samples."""
_PIXELS = 8
"""Images are looked at in so many rows and columns of regions."""
_MOST_CLASSES = 64
_SEQUENCES = 3
"""Dimensions of sequences (N, T, F)."""
_IMAGES = 4
"""Dimensions of images (N, C, H, W)."""
_BINS = 16
"""Columns of whole numbers that are quantities, each in bins; more are a sequence of tokens."""
_BUCKETS = 256
"""Tokens are counted in so many."""
_SEVERAL, _MASK = 2, 2
"""Inputs, one of which may be of another sample, and different numbers in a mask."""
_TOKENS, _IGNORED = 2, -100
"""Dimensions of token sequences (N, T), and the label that does not count."""
_PERMUTATIONS = 64
_LAGS = (-1, 0, 1)
_LATER = (-2, -4, -8)
"""Queues and histories delay by more than a step."""
_RIDGE = 1e-2
_WITHIN = 0.5
"""Share of the variance of a target within stretches, for these to say something."""


def look(stretches: list[Any], inputs: Iterable[str], targets: Iterable[str]) -> list[Relation]:
    """Relate the parts of a batch that are targets to its inputs, in stretches of a data set."""
    inputs, targets = sorted(inputs), sorted(targets)
    if not inputs or not targets:
        return []
    if len(stretches) < _FEWEST:
        return []
    parts = [dict(tensors(stretch)) for stretch in stretches]
    found = []
    given = [_features([part[name] for part in parts if name in part]) for name in inputs]
    x = torch.cat([g for g in given if g is not None], dim=1) if any(g is not None for g in given) else None
    pictures = {
        tuple(parts[0][name].shape[-2:]) for name in inputs if name in parts[0] and parts[0][name].dim() == _IMAGES
    }
    for name in targets:
        y = _labels([part[name] for part in parts if name in part], pictures)
        if x is not None and y is not None and len(x) == len(y) == len(stretches) * _LENGTH:
            found.append(_relation(name, x, y, lagged(_fewer(x, _FITTED), y)))
    return found


def of_inputs(stretches: list[Any], inputs: Iterable[str], targets: Iterable[str]) -> list[Relation]:
    """Relate each of several inputs to all targets: one may be of another sample than the rest.

    Left out is what has one number for each sample, or nothing but two of them: lengths, masks.
    """
    parts = [dict(tensors(stretch)) for stretch in stretches]
    found = {name: [part[name] for part in parts if name in part] for name in sorted(inputs)}
    wanted = [_labels([part[name] for part in parts if name in part], set()) for name in sorted(targets)]
    known = [y for y in wanted if y is not None and len(y) == len(stretches) * _LENGTH]
    if len(stretches) < _FEWEST or len(found) < _SEVERAL or not known:
        return []
    relations = []
    for name, values in found.items():
        x = _features(values) if values and values[0].dim() > 1 and values[0].shape[1:].numel() > 1 else None
        if x is not None and len(x) == len(known[0]) and x.numel() and len(values[0].unique()) > _MASK:
            relations.append(Relation(name, len(x), dependence(kernels(x, torch.cat(known, dim=1))), 1.0, 1.0, 1.0))
    return relations


def answers(stretches: list[Any]) -> list[Relation]:
    """Relate what a language model is to answer to the prompts before it, where the labels ignore these."""
    given, wanted = [], []
    for stretch in stretches:
        parts = dict(tensors(stretch))
        tokens, labels = parts.get("input_ids"), parts.get("labels")
        if tokens is None or labels is None or tokens.shape != labels.shape or tokens.dim() != _TOKENS:
            return []
        answer = labels != _IGNORED
        if not bool((tokens == labels)[answer].all()):
            return []
        begins = answer & (answer.cumsum(dim=1) == 1)
        prompt = (begins.cumsum(dim=1) == 0) & answer.any(dim=1, keepdim=True)
        given.append(_counted(tokens, prompt))
        wanted.append(_counted(tokens, answer))
    if len(given) < _FEWEST:
        return []
    x, y = _standardized(torch.cat(given)), _standardized(torch.cat(wanted))
    alike = len(x) == len(y) == len(stretches) * _LENGTH
    return [_relation("labels", x, y)] if alike and x.numel() and y.numel() else []


def _counted(tokens: torch.Tensor, counts: torch.Tensor) -> torch.Tensor:
    """How often each token (N, T) stands where it counts, in buckets (N, B)."""
    found = torch.zeros(len(tokens), _BUCKETS)
    return found.scatter_add_(1, tokens.detach().cpu() % _BUCKETS, counts.cpu().float())


def pair(stretches: list[Any], one: str, other: str) -> list[Relation]:
    """Relate two inputs that a contrastive loss takes for two views of one thing."""
    parts = [dict(tensors(stretch)) for stretch in stretches]
    x, y = (_features([part[name] for part in parts if name in part]) for name in (one, other))
    if len(stretches) < _FEWEST or x is None or y is None or not len(x) == len(y) == len(stretches) * _LENGTH:
        return []
    return [_relation(other, x, y)]


def _relation(name: str, x: torch.Tensor, y: torch.Tensor, left: Sequence[float] = (1.0, 1.0, 1.0)) -> Relation:
    """Relate stretches of inputs (N, D) and targets (N, E); see `lagged` for what is left open."""
    alike = kernels(x, y)
    found = Relation(name, len(x), dependence(alike), *left)
    stretches = y.reshape(-1, _LENGTH, y.shape[1])
    within = (stretches - stretches.mean(dim=1, keepdim=True)).square().sum() / (y - y.mean(dim=0)).square().sum()
    if within > _WITHIN:
        found.row_by_row = dependence(alike, length=_LENGTH)
    return found


def read(loader: DataLoader[Any]) -> list[Any]:
    """Return collated stretches of a loader's data set; fewer than wanted where it is short, slow or a stream."""
    with untouched():
        return _read(loader)


def _read(loader: DataLoader[Any]) -> list[Any]:
    data: Any = loader.dataset
    if isinstance(data, IterableDataset) or loader.collate_fn is None:
        return []
    whole = length(data)
    wanted = min(whole // _LENGTH, _STRETCHES)
    stretches: list[Any] = []
    until = time.monotonic() + _SECONDS
    for number in range(wanted if wanted >= _FEWEST else 0):
        first = number * (whole // wanted)
        found = samples(data, range(first, first + _LENGTH), until)
        if len(found) < _LENGTH or time.monotonic() > until:
            break
        stretches.append(loader.collate_fn(found))
    return stretches


def _alike(found: list[torch.Tensor]) -> bool:
    """Whether a part is there in each stretch, and has one shape; padding to the longest sample does not."""
    return len(found) >= _FEWEST and all(t.dim() > 0 and t.shape[1:] == found[0].shape[1:] for t in found)


def _of_varying_length(found: list[torch.Tensor]) -> bool:
    """Whether a part holds sequences (N, T, F) of numbers that each stretch has filled up to its longest one."""
    floats = len(found) >= _FEWEST and all(t.dim() == _SEQUENCES and t.is_floating_point() for t in found)
    return floats and all(t.shape[2] == found[0].shape[2] for t in found)


def _summary(value: torch.Tensor) -> torch.Tensor:
    """First and last, mean, spread and largest numbers (N, 5 F) of sequences (N, T, F) that end in zeros."""
    long = lengths(value).clamp(min=1)
    counted = (torch.arange(value.shape[1]) < long[:, None])[..., None]
    mean = (value * counted).sum(dim=1) / long[:, None]
    spread = ((value - mean[:, None]).square() * counted).sum(dim=1).div(long[:, None]).sqrt()
    last = value[torch.arange(len(value)), long - 1]
    return torch.cat([value[:, 0], last, mean, spread, value.abs().amax(dim=1)], dim=1)


def _features(found: list[torch.Tensor]) -> torch.Tensor | None:
    """Standardized features (N, D) of one input: numbers as they are, tokens counted."""
    if not _alike(found):
        if not _of_varying_length(found):
            return None
        found = [_summary(t.detach().cpu()) for t in found]
    value = torch.cat([t.detach().cpu() for t in found])
    if value.is_floating_point() or value.dtype == torch.uint8:
        value = value.float().nan_to_num()
        if value.dim() == _IMAGES and min(value.shape[-2:]) > _PIXELS:
            value = _regions(value)
        rows = value.flatten(1) if value.dim() > 1 else value[:, None]
        return _standardized(_fewer(rows, _FEATURES))
    if value.dtype == torch.bool or value.is_complex() or value.dim() > 2:
        return None
    tokens = value[:, None] if value.dim() == 1 else value
    return _standardized(_counted(tokens.long(), torch.ones(tokens.shape)))


def _regions(images: torch.Tensor) -> torch.Tensor:
    """Mean, spread, largest and smallest number of each region of images (N, C, H, W): what is where."""
    pooled = torch.nn.functional.adaptive_avg_pool2d
    largest = torch.nn.functional.adaptive_max_pool2d
    mean = pooled(images, _PIXELS)
    spread = (pooled(images.square(), _PIXELS) - mean.square()).clamp(min=0).sqrt()
    return torch.cat([mean, spread, largest(images, _PIXELS), -largest(-images, _PIXELS)], dim=1)


def _covered(maps: torch.Tensor) -> torch.Tensor:
    """Mean number (N, D) of each region of maps (N, ..., H, W), or its share of other classes than the commonest."""
    whole = not maps.is_floating_point()
    numbers = (maps != maps.flatten().mode().values).float() if whole else maps.float().nan_to_num()
    height, width = maps.shape[-2:]
    rows = numbers.reshape(len(maps), -1, height, width)
    return torch.nn.functional.adaptive_avg_pool2d(rows, (min(height, _PIXELS), min(width, _PIXELS))).flatten(1)


def _labels(found: list[torch.Tensor], pictures: set[tuple[int, ...]]) -> torch.Tensor | None:
    """Values (N, D) of a target, one column for each class where it is one; None where it cannot be asked.

    It does not vary, or is a sequence of tokens.
    """
    if not _alike(found):
        return None
    value = torch.cat([t.detach().cpu() for t in found])
    if value.dim() > 2 and tuple(value.shape[-2:]) in pictures and not value.is_complex():
        return _standardized(_covered(value))
    value = value.flatten(1) if value.dim() > 1 else value[:, None]
    if value.dtype == torch.bool or value.is_complex():
        return None  # masks, as a rule
    if value.is_floating_point() or 1 < value.shape[1] <= _BINS:
        rows = _standardized(value.float())
        return _fewer(rows, _FEATURES) if rows.shape[1] else None
    if value.shape[1] > 1:
        return None
    classes, index = value[:, 0].unique(return_inverse=True)
    return torch.nn.functional.one_hot(index).float() if 1 < len(classes) <= _MOST_CLASSES else None


def _standardized(rows: torch.Tensor) -> torch.Tensor:
    spread = rows.std(dim=0)
    kept = spread > 1e-6 * spread.max().clamp(min=1e-30)
    return (rows[:, kept] - rows[:, kept].mean(dim=0)) / spread[kept]


def _fewer(rows: torch.Tensor, most: int) -> torch.Tensor:
    """Project on random directions where there are many features: distances stay what they are, about."""
    if rows.shape[1] <= most:
        return rows
    generator = torch.Generator().manual_seed(0)
    return rows @ torch.randn(rows.shape[1], most, generator=generator) / rows.shape[1] ** 0.5


def kernels(x: torch.Tensor, y: torch.Tensor) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Return the likeness (N, N) of rows of x (N, D), and of y (N, E), once linear and once Gaussian.

    These are of the median distance. Those of x are centred.
    """
    pairs = ((x.double() @ x.double().T, y.double() @ y.double().T), (_kernel(x), _kernel(y)))
    return [((k - k.mean(0) - k.mean(1)[:, None] + k.mean()).float(), (l - l.mean()).float()) for k, l in pairs]  # noqa: E741


def dependence(pairs: list[tuple[torch.Tensor, torch.Tensor]], *, length: int = 0) -> float:
    """Return how many standard deviations the dependence of two sets of rows is above that of shuffled rows.

    The Hilbert-Schmidt independence criterion (Gretton et al. 2005) under permutations, the larger one of all kernels.

    Args:
        pairs: Of kernels.
        length: Of stretches that rows are shuffled within; 0 for all rows. Two lists that are each in some order have
            to do with each other as a whole, and nothing row by row.
    """
    return max(_above(of_x, of_y, length or len(of_x)) for of_x, of_y in pairs)


def _above(k: torch.Tensor, l: torch.Tensor, length: int) -> float:  # noqa: E741 - as in the literature
    generator = torch.Generator().manual_seed(0)
    shuffled = []
    for _ in range(_PERMUTATIONS):
        order = torch.cat([first + torch.randperm(length, generator=generator) for first in range(0, len(l), length)])
        shuffled.append(float(torch.dot(k.flatten(), l.index_select(0, order).index_select(1, order).flatten())))
    null = torch.tensor(shuffled, dtype=torch.float64)
    spread = float(null.std())
    return (float(torch.dot(k.flatten(), l.flatten())) - float(null.mean())) / spread if spread > 0 else 0.0


def _kernel(rows: torch.Tensor) -> torch.Tensor:
    square = torch.cdist(rows.double(), rows.double()).square()
    apart = square[square > 0]
    return torch.exp(-square / (apart.median() if len(apart) else 1.0))


def lagged(x: torch.Tensor, y: torch.Tensor) -> list[float]:
    """Return the share of y that a linear fit leaves open, from the input before, of the same sample, and after.

    Before: one sample or, where that fits better, two, four or eight. Fitted on half of the stretches and asked of the
    other half, both ways. 1: nothing is explained.
    """
    inside = torch.arange(-min(_LATER), _LENGTH - max(_LAGS))
    rows = [number * _LENGTH + inside for number in range(len(x) // _LENGTH)]
    halves = [torch.cat(rows[0::2]), torch.cat(rows[1::2])]
    left = []
    for lag in (*_LAGS, *_LATER):
        open_, whole = 0.0, 0.0
        for fitted, asked in (halves, halves[::-1]):
            a, b = _with_one(x[fitted + lag]), _with_one(x[asked + lag])
            penalty = _RIDGE * len(a) * torch.eye(a.shape[1], dtype=torch.float64)
            weights = torch.linalg.solve(a.T @ a + penalty, a.T @ y[fitted].double())
            open_ += float((b @ weights - y[asked]).square().sum())
            whole += float((y[asked].double() - y[fitted].double().mean(dim=0)).square().sum())
        left.append(open_ / whole if whole > 0 else 1.0)
    return [min(left[0], *left[len(_LAGS) :]), *left[1 : len(_LAGS)]]


def _with_one(x: torch.Tensor) -> torch.Tensor:
    return torch.cat([x.double(), torch.ones(len(x), 1, dtype=torch.float64)], dim=1)
