"""Logits, class indices and class weights of a call of a loss function."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from runtime_probe.tap.statistics import follows

if TYPE_CHECKING:
    from runtime_probe.record import LossCall

_FEWEST_LABELS = 32
"""That show how often classes occur."""
_FEWEST_ROWS, _MOST_COLUMNS = 16, 64
_NARROW, _WIDE = 0.15, 0.6
"""Share of the classes that a column of targets varies within."""


def describe_classes(call: LossCall, given: torch.Tensor, target: torch.Tensor, weight: torch.Tensor | None) -> None:
    """Describe logits, or log-probabilities, (N, C, ...), class indices (N, ...), and class weights (C)."""
    dimension = 1 if given.dim() > 1 else 0
    call.classes = given.shape[dimension]
    kept = target[target >= 0]
    if weight is not None and kept.numel() >= _FEWEST_LABELS:
        call.weights_follow = follows(weight, torch.bincount(kept.flatten(), minlength=len(weight)))
    call.classes_seen = int(kept.unique().numel())
    call.top_share = _top_share(kept, call.classes)
    call.narrow = _narrow(target, call.classes)
    sums = given.float().sum(dim=dimension)
    call.sums_to_one = bool((given >= 0).all() and torch.allclose(sums, torch.ones_like(sums), atol=1e-3))
    shares = given.float().logsumexp(dim=dimension)
    call.log_normalized = bool(torch.allclose(shares, torch.zeros_like(shares), atol=1e-3))


def _narrow(target: torch.Tensor, classes: int) -> list[int]:
    """Columns of class indices (N, D) that vary within few classes, where others vary within nearly all."""
    if target.dim() != 2 or not len(target) >= _FEWEST_ROWS or not 1 < target.shape[1] <= _MOST_COLUMNS:
        return []
    columns = [column[column >= 0] for column in target.T]
    widths = [(int(c.max()) - int(c.min())) / classes if len(c) >= _FEWEST_ROWS // 2 else math.nan for c in columns]
    few = [place for place, width in enumerate(widths) if 0.0 < width < _NARROW]
    return few if any(width > _WIDE for width in widths) else []


def _top_share(target: torch.Tensor, classes: int) -> float:
    if classes < 10 or not target.numel():
        return 0.0
    counts = torch.bincount(target.flatten(), minlength=classes).sort(descending=True).values
    return float(counts[: max(1, classes // 10)].sum() / counts.sum())
