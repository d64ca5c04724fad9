"""Dimensions of an output that no loss gives a gradient to, in all that was seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe.record import Unlearnt

if TYPE_CHECKING:
    from collections.abc import Iterable

    import torch

    from runtime_probe.record import Where

_MOST, _MOST_DIMENSIONS = 64, 512
"""Outputs, and dimensions of one."""
_ROWS, _SEQUENCES = 2, 3
"""Dimensions of outputs (N, D) and (N, T, D)."""
_ALL = 0.5
"""Share of the other dimensions that get a gradient in a sample that gets any: less where one of several is picked, as
an action's value or a class's box."""


def note(
    known: list[Unlearnt], name: str, gradient: torch.Tensor, inputs: Iterable[torch.Tensor], where: Where
) -> None:
    """Take down which of the last dimensions of an output the loss asks nothing of, unless they are steps in time."""
    if gradient.dim() not in (_ROWS, _SEQUENCES) or not _is_of_features(gradient, inputs) or not gradient.any():
        return
    columns = gradient.reshape(-1, gradient.shape[-1]) != 0
    rows = columns[columns.any(dim=1)]
    live = rows.any(dim=0)
    if float(rows[:, live].float().mean()) < _ALL:
        return
    silent = (~live).nonzero().flatten().tolist()
    for output in known:
        if (output.name, output.width) == (name, columns.shape[1]):
            output.dimensions = sorted(set(output.dimensions) & set(silent))
            return
    if len(known) < _MOST:
        known.append(Unlearnt(name, silent, columns.shape[1], len(columns), where))


def _is_of_features(output: torch.Tensor, inputs: Iterable[torch.Tensor]) -> bool:
    """Whether the last dimension holds features, and neither steps (N, T), (N, C, T) nor pixels (N, H, W)."""
    width = output.shape[-1]
    if width > _MOST_DIMENSIONS or (output.dim() == _SEQUENCES and width > output.shape[1]):
        return False
    for given in inputs:
        # The last dimension of numbers (N, D) and (N, T, D) is one of features, of tokens and pictures it is none.
        features = given.is_floating_point() and given.dim() <= _SEQUENCES
        if width in (given.shape[1:-1] if features else given.shape[1:]):
            return False
    return True
