"""Statistics of tensors per feature, and digests."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import torch

from runtime_probe.record import TensorStatistics

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_FEATURES = 512
_VALUES = 2_000_000
"""Larger tensors are judged by their first rows: the statistics of two million values are good enough."""
_SEQUENCES, _MOSTLY = 3, 0.9
"""Dimensions of a batch of sequences (n, t, features), and share of zeros beyond which they are the data."""
_SOME = 100_000
_GAP, _FEWEST_APART = 4.0, 3
"""Standard deviations of all others between them and a value that stands for none, and its rows."""
_UNEVEN = 1.5
"""Between the rarest and the most frequent class, and between their weights."""
MOST_ANSWERED = 4_000_000
"""Elements of an output, and of a target, whose gradients are asked about."""


def describe(role: str, name: str, tensor: torch.Tensor) -> TensorStatistics:
    """Statistics of `tensor` (n, ...) per feature; see TensorStatistics for which dimension that is."""
    data = tensor.detach()
    result = TensorStatistics(role, name, list(data.shape), str(data.dtype).removeprefix("torch."), 0)
    if data.numel() == 0 or data.is_complex():
        return result
    if data.numel() > _VALUES and data.dim() > 0:
        data = data[: max(1, _VALUES * len(data) // data.numel())]
    if role == "model input" and data.dim() > 1 and len(data) > 1:
        result.samples = len(data)
        if data.dim() == 2 and data.shape[1] > 1 and data.is_floating_point():
            result.zero_rows = float((data == 0).all(dim=1).double().mean())
        result.same = bool((data == data[:1]).all()) and not bool((data[0] == data[0].flatten()[0]).all())
    values = rows_of(data)
    if data.dim() == _SEQUENCES and data.is_floating_point():
        filled = ~values.any(dim=1)
        # Rows of zeros that sequences are filled up with are no data, and hide how little a dimension varies.
        values = values[~filled] if 0.0 < float(filled.double().mean()) < _MOSTLY else values
    result.rows = values.shape[0]
    finite = torch.isfinite(values)
    result.nonfinite = int((~finite).sum())
    clean = torch.where(finite, values, torch.zeros_like(values)) if result.nonfinite else values
    result.mean = clean.mean(dim=0).tolist()
    result.std = clean.std(dim=0, unbiased=False).tolist()
    result.minimum = clean.amin(dim=0).tolist()
    result.maximum = clean.amax(dim=0).tolist()
    result.integral = bool((clean == clean.round()).all())
    if result.integral and clean.numel() <= 1_000_000:
        result.distinct = int(clean.unique().numel())
    middle = clean.median(dim=0).values
    spread = 1.4826 * (clean - middle).abs().median(dim=0).values
    score = (clean - middle).abs().amax(dim=0) / spread.clamp(min=1e-30)
    result.outlier = torch.where(spread > 0, score, torch.zeros_like(score)).tolist()
    if not result.integral:
        # A sequence may begin with copies of one reading.
        fewest = _FEWEST_APART * (data.shape[1] if data.dim() == _SEQUENCES else 1)
        result.sentinel = torch.maximum(_apart(clean, fewest), _apart(-clean, fewest)).tolist()
    return result


def lengths(sequences: torch.Tensor) -> torch.Tensor:
    """Return how long each of some sequences (n, t, features) is, the zeros that it ends in left out."""
    places = torch.arange(1, sequences.shape[1] + 1, device=sequences.device)
    return (sequences.any(dim=-1).long() * places).amax(dim=1)


def most_frequent(value: torch.Tensor) -> float:
    """Return the share of the most frequent number in some of the values."""
    some = value.detach().flatten()
    some = some[:: max(1, some.numel() // _SOME)]
    return float((some == some.mode().values).double().mean()) if some.numel() else 0.0


def _apart(values: torch.Tensor, fewest: int) -> torch.Tensor:
    """Share of the rows (rows, features) at the smallest value, where all others are far above it; else 0."""
    low = values.amin(dim=0)
    at = values == low
    count = at.sum(dim=0)
    rest = torch.where(at, torch.nan, values)
    middle = rest.nanmean(dim=0)
    spread = (rest - middle).square().nanmean(dim=0).sqrt()
    following = torch.where(at, torch.inf, values).amin(dim=0)
    far = (following - low > _GAP * spread) & (spread > 0) & (count >= fewest)
    return torch.where(far, count / len(values), 0.0)


def rows_of(data: torch.Tensor) -> torch.Tensor:
    """Return (rows, features) in float64: the last dimension is the feature, of images the channel."""
    values = data.double() if data.device.type != "mps" else data.float()
    if values.dim() == 0:
        return values.reshape(1, 1)
    if values.dim() == 1:
        return values.reshape(-1, 1)
    if values.dim() in (4, 5):
        values = values.movedim(1, -1)
    values = values.reshape(-1, values.shape[-1])
    return values[:, :_FEATURES]


def tensors(value: Any, name: str = "", depth: int = 0) -> Iterator[tuple[str, torch.Tensor]]:
    """All tensors in nested containers, with their keys."""
    if isinstance(value, torch.Tensor):
        yield name, value
    elif depth > 6:
        return
    elif hasattr(value, "items") and callable(value.items) and not isinstance(value, type):
        try:
            items = list(value.items())
        except Exception:  # noqa: BLE001 - somebody's own container
            return
        for key, item in items:
            yield from tensors(item, f"{name}.{key}" if name else str(key), depth + 1)
    elif isinstance(value, (list, tuple)):
        for number, item in enumerate(value):
            yield from tensors(item, f"{name}[{number}]" if name else f"[{number}]", depth + 1)
    elif hasattr(value, "__dataclass_fields__") and not isinstance(value, type):
        for key in value.__dataclass_fields__:
            yield from tensors(getattr(value, key, None), f"{name}.{key}" if name else key, depth + 1)


def follows(weights: torch.Tensor, counts: torch.Tensor) -> float | None:
    """Rank correlation of weights (C) with how often each class occurs (C); None where either is much the same."""
    weights, counts = weights.detach().double().cpu(), counts.double().cpu()
    weights, counts = weights[counts > 0], counts[counts > 0]
    if len(weights) < 2 or not (_UNEVEN * weights.min() < weights.max() and _UNEVEN * counts.min() < counts.max()):
        return None
    ranks = torch.stack([values.argsort().argsort().double() for values in (weights, counts)])
    return float(torch.corrcoef(ranks)[0, 1])


def answers(module: torch.nn.Module, output: Any) -> Iterator[tuple[str, torch.Tensor]]:
    """Tensors of what a module returned that gradients can be asked at, as `Policy.mean` or `Policy[0]`."""
    for name, tensor in tensors(output):
        if tensor.requires_grad and tensor.is_floating_point() and 1 < tensor.numel() <= MOST_ANSWERED:
            yield type(module).__name__ + (f".{name}" if name and name[0] != "[" else name), tensor


def digest(items: Iterable[torch.Tensor]) -> str:
    """Digest of shapes, sums and sums of squares: equal tensors give equal digests."""
    state = hashlib.sha1(usedforsecurity=False)
    for tensor in items:
        data = tensor.detach()
        state.update(str(tuple(data.shape)).encode())
        if data.numel() and not data.is_complex():
            flat = data.flatten()[:1_000_000].double() if data.device.type != "mps" else data.flatten().float()
            weights = torch.arange(1, flat.numel() + 1, device=flat.device, dtype=flat.dtype)
            state.update(f"{flat.sum().item():.12e} {(flat * weights).sum().item():.12e}".encode())
    return state.hexdigest()[:16]
