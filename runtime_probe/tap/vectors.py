"""What a data set does to vectors and sets when it is asked for the same samples again, and whether targets follow.

A state that is mirrored goes with a movement that is; in a set that is reordered an index points to another row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from runtime_probe.tap.augmentations import SHORTEST, entry_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.record import Augmentation

_ROWS, _SETS = 2, 3
"""Dimensions of vectors (N, D), and of sets and short sequences (N, T, D)."""
MIRRORED, REORDERED, TURNED = "mirrored", "in another order", "turned"
_ROUNDING = 1e-4
_SPACES, _FEWEST, _FITS, _CLEARLY, _FLAT, _POSE = (2, 3), 4, 0.05, 0.2, 0.05, 16
"""Dimensions of points, fewest of them, what a turn may leave open of their length (they may be noisy), distance of a
turn from none, narrowest spread over the widest, and most numbers of a pose."""


def compare(draws: list[dict[str, torch.Tensor]], inputs: Iterable[str], targets: Iterable[str]) -> list[Augmentation]:
    """Compare the parts of samples that were drawn several times: where inputs came back changed, did targets?"""
    found: dict[tuple[str, str], Augmentation] = {}
    targets = sorted(targets)
    for name in sorted(inputs):
        for draw in draws[1:]:
            for target in targets:
                _compare(found, (name, target), draws[0], draw)
    return list(found.values())


def _compare(
    found: dict[tuple[str, str], Augmentation],
    names: tuple[str, str],
    first: dict[str, torch.Tensor],
    later: dict[str, torch.Tensor],
) -> None:
    """Vectors whose signs were changed, with movements that were not; rows in another order, and an index of a row."""
    if any(name not in draw for name in names for draw in (first, later)):
        return
    (a, x), (b, y) = ([draw[name] for name in names] for draw in (first, later))
    if a.shape != b.shape or x.shape != y.shape or a.dim() < _ROWS or not a.is_floating_point() or len(x) != len(a):
        return
    pointing = a.dim() == _SETS and x.dim() == 1 and not x.is_floating_point() and x.dtype != torch.bool
    moving = x.dim() > 1 and x.is_floating_point() and a.shape[-1] < SHORTEST
    for row in range(len(a)):
        if moving and _mirrored(a[row], b[row]):
            entry = entry_of(found, *names, MIRRORED, x[row])
            entry.pairs += 1
            entry.unmoved += torch.equal(x[row], y[row])
        elif moving and _is_pose(x[row], a.shape[-1]) and _is_turned(a[row], b[row]):
            entry = entry_of(found, *names, TURNED, x[row])
            entry.pairs += 1
            entry.unmoved += torch.equal(x[row], y[row])
        elif pointing and _reordered(a[row], b[row]) and max(int(x[row]), int(y[row])) < len(a[row]):
            entry = entry_of(found, *names, REORDERED, x[row])
            entry.pairs += 1
            entry.unmoved += torch.equal(x[row], y[row])
            entry.elsewhere += not torch.equal(a[row][int(x[row])], b[row][int(y[row])])


def _mirrored(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Whether some columns of numbers (..., D) came back with the other sign, and others as they were."""
    a, b = a.reshape(-1, a.shape[-1]), b.reshape(-1, b.shape[-1])
    tolerance = _ROUNDING * a.abs().amax(dim=0)
    same, turned_round = ((a - s * b).abs().amax(dim=0) <= tolerance for s in (1.0, -1.0))
    kept, changed = same & ~turned_round, turned_round & ~same
    return bool((same | turned_round).all()) and bool(kept.any()) and bool(changed.any())


def _is_turned(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Whether points (T, D) came back turned about the origin (Kabsch 1976): about their middle they are, too."""
    fits = a.dim() == _ROWS and a.shape[1] in _SPACES and len(a) >= _FEWEST
    if not fits or not bool(a.isfinite().all() and b.isfinite().all()):
        return False
    a, b = a.double(), b.double()
    around, other = a - a.mean(dim=0), b - b.mean(dim=0)
    spread = torch.linalg.svdvals(around)
    if float(spread[-1]) <= _FLAT * float(spread[0]):
        return False  # on a line, or in a plane, more than one turn is the same
    u, _, v = torch.linalg.svd(around.T @ other)
    turn = u @ v
    left = float((around @ turn - other).norm() / other.norm()), float((a @ turn - b).norm() / b.norm())
    return max(left) < _FITS and float((turn - torch.eye(len(turn), dtype=turn.dtype)).norm()) > _CLEARLY


def _is_pose(target: torch.Tensor, dimensions: int) -> bool:
    """Whether numbers (K) may be a place or a pose in space; marks of classes, and properties of things, are none."""
    return target.dim() == 1 and dimensions <= len(target) <= _POSE and not bool(((target == 0) | (target == 1)).all())


def _reordered(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Whether rows (T, D) came back in another order: each column holds the same numbers."""
    return not torch.equal(a, b) and torch.equal(a.sort(dim=0).values, b.sort(dim=0).values)
