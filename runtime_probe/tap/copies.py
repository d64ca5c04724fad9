"""What is in a data set more than once: samples, the steps of a history, targets among the inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from runtime_probe.record import Copies
from runtime_probe.tap.statistics import tensors

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_FEWEST, _NUMBERS = 256, 4
"""Samples, and numbers of each that do not agree by chance."""
_STEPS, _SEQUENCES, _MOSTLY = 3, 3, 0.95
"""Steps of a history, dimensions of one (N, T, D), and share of the samples in which all steps are the same."""
_COLUMNS, _TARGETS, _SAME = 4096, 64, 1e-6
"""Columns of inputs and targets that are correlated, and what the correlation of a copy is short of 1."""


def look(stretches: Sequence[Any], inputs: Iterable[str], targets: Iterable[str]) -> Copies:
    """Look at collated samples of a data set.

    Args:
        stretches: Collated runs of samples from all over it.
        inputs: Keys of the parts that models are given.
        targets: Keys of those that losses compare with.
    """
    parts = [dict(tensors(stretch)) for stretch in stretches]
    given = {name: part for name in inputs if (part := _joined(parts, name)) is not None}
    found = Copies()
    if not given or any(len(part) < _FEWEST for part in given.values()):
        return found
    found.still = next((name for name, part in given.items() if _still(part)), "")
    found.repeated = 0.0 if found.still else _repeated(list(given.values()))
    for name in targets:
        target = _joined(parts, name)
        # What is to be reconstructed is an input by right.
        own = target is None or any(part.shape == target.shape for part in given.values())
        if target is not None and not own and _is_among(target, given):
            found.answered = name
    return found


def _joined(parts: list[dict[str, torch.Tensor]], name: str) -> torch.Tensor | None:
    """Numbers (N, ...) of one part in all stretches; None where they are whole, or of varying shape."""
    found = [part[name].detach().cpu() for part in parts if name in part]
    alike = found and len(found) == len(parts) and all(t.dim() and t.shape[1:] == found[0].shape[1:] for t in found)
    if not alike or not found[0].is_floating_point():
        return None
    return torch.cat(found).double().nan_to_num()


def _repeated(given: list[torch.Tensor]) -> float:
    """Share of the samples that are copies of another one."""
    rows = torch.cat([part.reshape(len(part), -1) for part in given], dim=1)
    if rows.shape[1] < _NUMBERS or bool((rows == rows.round()).all()):
        return 0.0
    return 1.0 - len({row.tobytes() for row in rows.numpy()}) / len(rows)


def _still(part: torch.Tensor) -> bool:
    """Whether nothing moves within the histories (N, T, D), though one differs from the other."""
    if part.dim() != _SEQUENCES or part.shape[1] < _STEPS or not bool((part[1:] != part[:-1]).any()):
        return False
    return float((part == part[:, :1]).flatten(1).all(dim=1).double().mean()) > _MOSTLY


def _is_among(target: torch.Tensor, given: dict[str, torch.Tensor]) -> bool:
    """Whether each of several columns of a target is one of the inputs, scaled or not."""
    y = _standardized(target.reshape(len(target), -1)[:, :_TARGETS])
    x = _standardized(torch.cat([part.reshape(len(part), -1) for part in given.values()], dim=1)[:, :_COLUMNS])
    if y.shape[1] < 2 or not bool(y.any(dim=0).all()):
        return False
    return bool(((y.T @ x / len(y)).abs().amax(dim=1) > 1.0 - _SAME).all())


def _standardized(columns: torch.Tensor) -> torch.Tensor:
    spread = columns.std(dim=0, unbiased=False)
    return (columns - columns.mean(dim=0)) / torch.where(spread > 0, spread, torch.inf)
