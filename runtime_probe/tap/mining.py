"""Pairs of a batch, compared each with each: what does a loss want of those with one label, and of the others?

Triplet and other metric losses pick pairs out of a matrix of distances, or of similarities. Their gradient at the
matrix says which pairs were picked, and which way each is moved.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from runtime_probe.record import MiningRecord
from runtime_probe.tap.places import here
from runtime_probe.tap.rewards import at_hand

if TYPE_CHECKING:
    from runtime_probe.record import Where

MAKERS = frozenset("cdist mm matmul sum sqrt norm einsum linalg_norm vector_norm".split())
_FEWEST, _MOST, _KEPT = 8, 2048, 3
"""Rows of a matrix, and matrices of one iteration."""
_SYMMETRIC = 1e-4
_TABLE = 2
_LABELS = re.compile(r"label|class|target|ident|(^|_)(y|ids?|pids?)$", re.IGNORECASE)
_WHOLE = (torch.int64, torch.int32)
_CHOICE = 4
"""Negatives that a row has to choose from."""
_PICKED = 2.0
"""Pairs of a row, on average, where a loss picks some of them."""


@dataclass(slots=True)
class _Matrix:
    """Distances (N, N), or similarities."""

    values: torch.Tensor
    where: Where
    labels: torch.Tensor | None
    """(N), as they are at hand where rows are compared."""
    gradient: torch.Tensor | None = None


class Mining:
    """Matrices of one iteration."""

    def __init__(self) -> None:
        self.matrices: list[_Matrix] = []

    def note(self, name: str, result: Any) -> None:
        """An operation of torch may have compared each row with each."""
        if name not in MAKERS or len(self.matrices) >= _KEPT or not isinstance(result, torch.Tensor):
            return
        fits = result.dim() == _TABLE and _FEWEST <= len(result) == result.shape[1] <= _MOST and result.requires_grad
        if not fits or not bool(result.isfinite().all()):
            return
        values = result.detach()
        if not torch.allclose(values, values.T, rtol=_SYMMETRIC, atol=_SYMMETRIC * float(values.abs().max())):
            return
        matrix = _Matrix(values.clone(), here(4), _labels(len(values)))
        self.matrices.append(matrix)
        result.register_hook(lambda gradient: setattr(matrix, "gradient", gradient.detach()))

    def found(self) -> MiningRecord | None:
        """After a backward pass: how the first matrix that it went through was judged; None without one, or labels."""
        matrix = next((m for m in self.matrices if m.gradient is not None and bool(m.gradient.any())), None)
        if matrix is None or matrix.gradient is None:
            return None
        labels = matrix.labels if matrix.labels is not None else _labels(len(matrix.values))
        if labels is None:
            return None
        alone = torch.eye(len(labels), dtype=torch.bool, device=matrix.values.device)
        same = (labels[:, None] == labels[None, :]).to(alone.device)
        # A distance is 0 to itself; a similarity is nowhere higher.
        nearer = -1.0 if float(matrix.values.diagonal().mean()) <= float(matrix.values[~alone].mean()) else 1.0
        closeness = nearer * matrix.values.double()
        apart = (nearer * matrix.gradient.double()).clamp(min=0.0)
        together = (-nearer * matrix.gradient.double()).clamp(min=0.0)
        together = together.masked_fill(alone, 0.0)
        pushed, pulled = float(apart.sum()), float(together.sum())
        return MiningRecord(
            where=matrix.where,
            push_same=float(apart[same].sum()) / pushed if pushed else 0.0,
            pull_other=float(together[~same].sum()) / pulled if pulled else 0.0,
            pushes=pushed > 0.0,
            pulls=pulled > 0.0,
            ease=_ease(closeness, apart, ~same),
        )

    def forget(self) -> None:
        """An iteration is over."""
        self.matrices.clear()


def _ease(closeness: torch.Tensor, apart: torch.Tensor, other: torch.Tensor) -> float | None:
    """How far away those of other labels are that rows push away: 0 for the nearest, 1 for the farthest of them.

    None where rows push away all of them, as losses over all pairs do.
    """
    picked = (apart > 0) & other
    rows = picked.any(dim=1) & (other.sum(dim=1) >= _CHOICE)
    if not bool(rows.any()) or float(picked[rows].double().sum(dim=1).mean()) > _PICKED:
        return None
    ranks = []
    for row in rows.nonzero().flatten().tolist():
        others = closeness[row][other[row]]
        mine = closeness[row][picked[row]].mean()
        ranks.append(float((others > mine).double().sum() / (len(others) - 1)))
    return sum(ranks) / len(ranks)


def _labels(n: int) -> torch.Tensor | None:
    """Whole numbers (N) among the script's variables of which some occur more than once: best one with a usual name."""
    found = None
    for name, value in at_hand():
        if not isinstance(value, torch.Tensor) or value.shape != (n,) or value.dtype not in _WHOLE:
            continue
        if 1 < len(value.unique()) < n:
            if _LABELS.search(name):
                return value.detach()
            found = found if found is not None else value.detach()
    return found
