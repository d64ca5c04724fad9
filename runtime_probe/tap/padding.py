"""Padding of token sequences: is it attended to, is it learnt, or is it all that the model sees?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from runtime_probe.record import Padding
from runtime_probe.tap.places import here

if TYPE_CHECKING:
    from runtime_probe.record import Record

_ENDS, _ELSEWHERE = 0.5, 0.02
"""Share of rows that end in the padding, at least; of all tokens that are it within a row, at most."""
_SHORTEST = 4
_IN_LOSS = 0.05
"""Of the targets."""
_SEEN = 1e-3
"""Mean gradient of a padding token over that of another."""
_WITHIN = 0.01
_MOST = 8
_SEQUENCES = 2
"""Dimensions of a batch of sequences."""
_MANY, _KINDS = 64, 3


class PaddingWatch:
    """Finds the padding of tokens that are embedded, and asks gradients and losses about it."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self.known: list[tuple[torch.Size, int]] = []
        """Shape of tokens and their padding, of the last embeddings that were called."""

    def note_embedding(self, tokens: Any, output: torch.Tensor, reserved: int | None = None) -> None:
        """Tokens (N, T) were looked up, in a table whose row `reserved` is for padding."""
        if not isinstance(tokens, torch.Tensor) or tokens.dim() != _SEQUENCES or tokens.is_floating_point():
            return
        if reserved is not None and (share := within(tokens, reserved)) >= _WITHIN:
            self.record.padding = self.record.padding or Padding(reserved)
            self.record.padding.within = share
        token = padding_of(tokens)
        if token is None:
            return
        self.known = [*self.known[1 - _MOST :], (tokens.shape, token)]
        if self.record.padding is None:
            self.record.padding = Padding(token)
        if output.requires_grad:
            output.register_hook(lambda gradient: self._ask(tokens, token, gradient))

    def _ask(self, tokens: torch.Tensor, token: int, gradient: torch.Tensor) -> None:
        """Which positions does the loss depend on? The first one may stand for the whole sequence."""
        sizes = gradient.float().norm(dim=-1)
        padding = tokens == token
        content = ~padding
        content[:, 0] = False
        found = self.record.padding
        if found is None or not bool(content.any()):
            return
        of_padding, of_content = float(sizes[padding].mean()), float(sizes[content].mean())
        found.only = of_content == 0.0 and of_padding > 0.0
        found.attended = of_content > 0.0 and of_padding > _SEEN * of_content

    def note_loss(self, target: torch.Tensor, *, ignored: int, kept_apart: bool) -> None:
        """Class indices are the targets of a loss that leaves `ignored` out; `kept_apart` has one value for each."""
        for shape, token in self.known:
            rows, length = shape
            if kept_apart or ignored == token or target.numel() not in (rows * length, rows * (length - 1)):
                continue
            share = float((target == token).float().mean())
            if share >= _IN_LOSS and self.record.padding is not None:
                self.record.padding.in_loss, self.record.padding.where = share, here(5)


def within(tokens: torch.Tensor, token: int) -> float:
    """Return which share of tokens (N, T) between the first and the last other one of their row are this one."""
    other = (tokens != token).long()
    between = (other.cumsum(dim=1) > 0) & (other.flip(1).cumsum(dim=1).flip(1) > 0)
    return float((between & (other == 0)).sum() / between.sum().clamp(min=1))


def padding_of(tokens: torch.Tensor) -> int | None:
    """Return the token that fills rows (N, T) up, at their ends or at their beginnings; None without one."""
    if len(tokens) < 2 or tokens.shape[1] < _SHORTEST:
        return None
    for rows in (tokens, tokens.flip(1)):
        token = int(rows[:, -1].mode().values)
        same = rows == token
        filled = same.flip(1).long().cumprod(dim=1).sum(dim=1)
        ends = float(same[:, -1].float().mean())
        elsewhere = int(same.sum() - filled.sum())
        varied = int(filled.max()) > 1 and int(filled.unique().numel()) > 1
        if ends >= _ENDS and varied and elsewhere <= _ELSEWHERE * rows.numel():
            return token
    return None


def top_share(tokens: torch.Tensor) -> float:
    """Return the share of the most frequent token (N, T), padding left out; 0 for too few tokens, or kinds, to tell."""
    padding = padding_of(tokens) if tokens.dim() == _SEQUENCES else None
    counted = tokens if padding is None else tokens[tokens != padding]
    if tokens.is_floating_point() or counted.numel() < _MANY or int(counted.unique().numel()) < _KINDS:
        return 0.0
    return float((counted == counted.flatten().mode().values).double().mean())
