"""Does a model that attends to a sequence see in which order it came?

Asked of the model alone, in eval mode, after the last step: the sequence is brought into another order, its ends
excepted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from runtime_probe.record import OrderAsked
from runtime_probe.tap.asked import asked, of_each_model
from runtime_probe.tap.calls import mapped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runtime_probe.tap.calls import Call
    from runtime_probe.tap.session import Session

_FEWEST = 6
"""Steps of a sequence."""
_MOST_ELEMENTS = 20_000_000
_SEQUENCE = 3
"""Dimensions of sequences (N, T, D) of numbers; tokens are (N, T)."""
_SMOOTH = 0.5
"""Squared difference of neighbours, over that of any two steps: below, the order of the steps means something."""
_SAME = 1e-4
"""Of the spread of an output: rounding of sums in another order."""


def look(session: Session) -> list[OrderAsked]:
    """Bring the sequences of each model that attends to them into another order."""
    return of_each_model(session, "asking for the order of a sequence", _ask) if session.watch.attention.seen else []


def _ask(call: Call) -> Iterator[OrderAsked]:
    given = call.named()
    lengths = {t.shape[1] for _, t in given if _is_sequence(t)}
    if len(lengths) != 1 or sum(t.numel() for _, t in given) > _MOST_ELEMENTS:
        return
    length = lengths.pop()
    # A mask of pairs tells steps apart, and so does a time among the numbers.
    if any((t.dim() > 1 and t.shape[-2:] == (length, length)) or _counts(t) for _, t in given):
        return
    # Models read the first step, or the last one, and tell these apart from the others.
    inside = 1 + torch.randperm(length - 2, generator=torch.Generator().manual_seed(0))
    order = torch.cat([torch.tensor([0]), inside, torch.tensor([length - 1])])

    def reordered(_: str, value: torch.Tensor) -> torch.Tensor:
        return value[:, order] if value.dim() > 1 and value.shape[1] == length else value

    def of_others(_: str, value: torch.Tensor) -> torch.Tensor:
        return value.roll(1, 0) if _is_sequence(value) else value

    base = asked(call, call.args, call.kwargs)
    moved = asked(call, *mapped(call, reordered))
    others = asked(call, *mapped(call, of_others))
    if not base or not any(not _alike(a, b) for a, b in zip(base, others, strict=True)):
        return
    same = (
        _alike(a, b) or (a.dim() > 1 and a.shape[1] == length and _alike(a[:, order], b))
        for a, b in zip(base, moved, strict=True)
    )
    yield OrderAsked(type(call.module).__name__, length, seen=not all(same))


def _is_sequence(value: torch.Tensor) -> bool:
    """Whether a tensor holds tokens (N, T), or numbers (N, T, D) of steps that are like their neighbours."""
    if value.dim() < 2 or value.shape[1] < _FEWEST or len(value) < 2:
        return False
    if value.dim() == 2:
        whole = not value.is_floating_point() and value.dtype != torch.bool
        return whole and len(value.unique()) > _FEWEST
    if value.dim() != _SEQUENCE or not value.is_floating_point():
        return False
    steps = (value - value.mean(dim=1, keepdim=True)).double()
    spread = steps.square().mean()
    return bool(spread > 0) and float((steps[:, 1:] - steps[:, :-1]).square().mean() / (2 * spread)) < _SMOOTH


def _counts(value: torch.Tensor) -> bool:
    """Whether a number goes on from step to step in all samples, as a position or a time does."""
    if value.dim() < 2 or value.shape[1] < _FEWEST or value.dtype == torch.bool:
        return False
    rises = value[:, 1:] - value[:, :-1]
    columns = (rises > 0).flatten(0, 1) if value.dim() > 2 else (rises > 0).flatten()[:, None]
    return bool(columns.all(dim=0).any())


def _alike(a: torch.Tensor, b: torch.Tensor) -> bool:
    return a.shape == b.shape and float((a - b).abs().max()) <= _SAME * max(float(a.abs().max()), 1e-12)
