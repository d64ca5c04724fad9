"""Are the targets of a token model its inputs, one position on, two, or the same? And which of them are ignored?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from runtime_probe.tap import ignored
from runtime_probe.tap.calls import LABELS

if TYPE_CHECKING:
    from runtime_probe.tap.session import Session

_ALL = 0.95
_SHIFTED, _BEYOND_CHANCE = 0.5, 0.2
"""Share of labels that are the inputs, one position on, and by how much it is above that with other samples."""


def look(session: Session) -> None:
    """Compare what the losses of the first step compared with to the tokens that models were given."""
    for target, outside in session.targets:
        for call in session.calls.outer.values():
            for name, tensor in call.named():
                if tensor.is_floating_point() or tensor.dim() != 2 or target.numel() < 2:
                    continue
                if target.numel() == tensor.numel():
                    _compare(session, target, tensor, name, outside=outside)
                elif _one_of(session.losses.cut_from, target, tensor):
                    session.record.features.one_position = tensor.shape[1]
                elif target.numel() == tensor.shape[0] * (tensor.shape[1] - 1):
                    rows = target.reshape(tensor.shape[0], -1)
                    shifted = _share(rows, tensor[:, 1:], 0) > _SHIFTED
                    session.record.features.targets_are_shifted |= shifted
                    session.shifted |= {name} if shifted else set()
                    if shifted:
                        _note_ignored(session, rows, tensor[:, :-1])
                    twice = not shifted and _share(rows[:, :-1], tensor[:, 2:]) > _ALL
                    session.record.features.targets_are_shifted_twice |= twice


def _compare(session: Session, target: torch.Tensor, tokens: torch.Tensor, name: str, *, outside: bool) -> None:
    """Labels, as many as tokens (N, T) or, in older code, (T, N); they may be flattened."""
    features, flat = session.record.features, target.reshape(tokens.shape)
    along_time = _share(flat[:, :-1], tokens[:, 1:], 0) if tokens.shape[1] > 1 else 0.0
    along_rows = _share(flat[:-1], tokens[1:], 1) if tokens.shape[0] > 1 else 0.0
    shifted = max(along_time, along_rows) > _SHIFTED
    if shifted:
        features.targets_are_shifted = True
        session.batch_first = along_time > _SHIFTED
        session.shifted.add(name)
        if along_time > max(along_rows, _SHIFTED):
            _note_ignored(session, flat, tokens)
    elif tokens.shape[1] > 1:
        features.targets_lie_behind |= _share(flat[:, 1:], tokens[:, :-1], 0) > _ALL
        features.targets_are_shifted_twice |= _share(flat[:, :-2], tokens[:, 2:]) > _ALL
    # Labels that a model computes its loss from are no inputs; those that a decoder is given are.
    if _share(flat, tokens) == 1.0 and (outside or name not in LABELS):
        features.targets_are_inputs = True


def _one_of(base: torch.Tensor | None, target: torch.Tensor, tokens: torch.Tensor) -> bool:
    """Whether labels (N) were cut out of labels (N, T) that are the tokens (N, T), one position on."""
    if target.dim() != 1 or base is None or base.shape != tokens.shape or len(target) != len(tokens):
        return False
    return _share(base[:, :-1], tokens[:, 1:], 0) > _SHIFTED


def _note_ignored(session: Session, labels: torch.Tensor, tokens: torch.Tensor) -> None:
    features = session.record.features
    features.end_not_learnt = ignored.end_not_learnt(labels, tokens)
    features.answers_ignored = ignored.answers_ignored(labels, tokens)


def _share(a: torch.Tensor, b: torch.Tensor, samples: int | None = None) -> float:
    """Share of equal entries among those that count (labels below 0 are ignored by losses).

    With the dimension of the samples: 0 where other samples fit nearly as well, as small whole numbers do.
    """
    counts = a >= 0
    if not bool(counts.any()) or a.shape != b.shape:
        return 0.0
    share = float((a == b)[counts].float().mean())
    if samples is None or a.shape[samples] < 2 or torch.equal(b, b.roll(1, samples)):
        return share
    chance = float((a == b.roll(1, samples))[counts].float().mean())
    return share if share - chance > _BEYOND_CHANCE else 0.0
