"""Which labels of a language model are ignored: the prompt and the padding, or the answers and their ends?"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

_FEWEST, _KINDS = 4, 3
"""Ends, or rows, that tell; different tokens among them."""
_ONE_END = 0.8
"""Share of answers that stop with one and the same token: that may be what ends them."""


def end_not_learnt(labels: torch.Tensor, tokens: torch.Tensor) -> int | None:
    """Return the token that follows all that is learnt, is never learnt itself, and would be its end; else None.

    Args:
        labels: (N, T) tokens to be predicted, below 0 where they are ignored.
        tokens: (N, T) what the model is given: labels are one position on.
    """
    known = labels[:, :-2] >= 0
    stops = known & (labels[:, 1:-1] < 0)
    last, following = labels[:, :-2][stops], tokens[:, 2:][stops]
    if len(last) < _FEWEST or int(following.unique().numel()) > 1:
        return None
    token = int(following[0])
    varied = int(last.unique().numel()) >= _KINDS
    most = float((last == last.mode().values).float().mean())
    return token if varied and most <= _ONE_END and not bool((labels == token).any()) else None


def answers_ignored(labels: torch.Tensor, tokens: torch.Tensor) -> bool:
    """Return whether all rows begin with what is learnt, and what is ignored comes after it and is no padding.

    Prompts come first; labels that ignore what follows them have the mask turned round. Arguments as above.
    """
    known = labels[:, :-1] >= 0
    behind = known.long().cumsum(dim=1) > 0
    left_out = tokens[:, 1:][behind & ~known]
    rows = int((behind & ~known).any(dim=1).sum())
    begins = bool((labels[:, 0] >= 0).all())
    return begins and rows >= _FEWEST and int(left_out.unique().numel()) >= _KINDS
