"""Does a model answer the same to different samples, to the last digit?

Asked of the model alone, in eval mode, after the last step: what has learnt, and still says one thing to all, reads
nothing of them; what says one thing to all short sequences reads what fills them up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from runtime_probe.record import OutputsAlike
from runtime_probe.tap.asked import asked, of_each_model

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runtime_probe.tap.calls import Call
    from runtime_probe.tap.session import Session

_MOST_ELEMENTS = 20_000_000
"""Of what goes in, and of what comes out."""
_FEWEST = 3
"""Samples that are answered alike."""
_SHORTEST = 4
"""Sequence whose end may be filled up."""
_EXACT = (torch.float32, torch.float64)
_ENDS_OF_RANGES = (-1.0, 0.0, 1.0)
"""What heads that are saturated, or start at zero, say to everyone."""


def look(session: Session) -> list[OutputsAlike]:
    """Compare what each model that is trained answers to the samples of the last batch."""
    return of_each_model(session, "comparing the answers of", _ask)


def _ask(call: Call) -> Iterator[OutputsAlike]:
    given = [t for _, t in call.named() if t.dim() > 1]
    weights = [getattr(part, "weight", None) for part in call.module.modules() if not isinstance(part, nn.Embedding)]
    layers = [w for w in weights if isinstance(w, torch.Tensor) and w.dim() > 1 and w.requires_grad]
    # Positions, and a constant that is learnt, are the same for all by design; what is rounded may be by chance.
    if not given or not layers or any(w.dtype not in _EXACT for w in layers):
        return
    if sum(t.numel() for t in given) > _MOST_ELEMENTS:
        return
    largest = max(given, key=torch.Tensor.numel)
    size = len(largest)
    answers = asked(call, call.args, call.kwargs)
    if not answers or any(t.dtype not in _EXACT for t in answers):
        return
    if any(len(t) != size for t in answers) or sum(t.numel() for t in answers) > _MOST_ELEMENTS:
        return
    together = torch.cat([t.cpu().double().reshape(size, -1) for t in answers], dim=1)
    told, group, counts = together.unique(dim=0, return_inverse=True, return_counts=True)
    most = int(counts.argmax())
    alike = group == most
    rows = largest.reshape(size, -1)[alike]
    different = int(rows.unique(dim=0).shape[0])
    extremes = torch.tensor(_ENDS_OF_RANGES, dtype=told.dtype)
    if different < _FEWEST or not bool(told[most].isfinite().all()) or bool(torch.isin(told[most], extremes).all()):
        return
    yield OutputsAlike(type(call.module).__name__, size, int(alike.sum()), filled=_filled_up(largest, alike))


def _filled_up(sequences: torch.Tensor, alike: torch.Tensor) -> bool:
    """Whether samples (N, T, ...) are alike that end in a filler earlier than others; `alike` is (N)."""
    if sequences.shape[1] < _SHORTEST or bool(alike.all()):
        return False
    last = sequences[:, -1][alike].unique(dim=0)
    if len(last) > 1:
        return False
    filler = (sequences == last[:, None]).reshape(*sequences.shape[:2], -1).all(dim=2)
    ends = filler.flip(1).long().cumprod(dim=1).sum(dim=1)
    return int(ends[alike].min()) > int(ends[~alike].max()) and int(ends[alike].unique().numel()) > 1
