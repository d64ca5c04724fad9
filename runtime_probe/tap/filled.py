"""Sequences of numbers that are filled up to the length of the longest: does a model read what is filled in?

Tokens are asked where they are embedded (`padding.py`); of numbers nothing says which are content but that the ends of
sequences of different lengths all hold one and the same row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from runtime_probe.record import FilledRead
from runtime_probe.tap.asked import asked, of_each_model
from runtime_probe.tap.calls import LABELS, mapped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runtime_probe.tap.calls import Call
    from runtime_probe.tap.session import Session

_SEQUENCES, _SHORTEST, _NARROWEST = 3, 6, 2
"""Dimensions of (N, T, D), fewest steps, and features: one number alone is often the same."""
_FILLED, _FEWEST = 0.25, 2
"""Share of samples that are filled up, and fewest of them, and rows that one of them is filled with."""
_MOST_ELEMENTS = 20_000_000
_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.ConvTranspose1d)


def look(session: Session) -> list[FilledRead]:
    """Ask each model that was given sequences which are filled up."""
    return of_each_model(session, "asking for what is filled up in the inputs of", _ask)


def _ask(call: Call) -> Iterator[FilledRead]:
    for name, given in call.named():
        filler = filler_of(given) if name.rpartition(".")[2] not in LABELS else None
        if filler is None or given.numel() > _MOST_ELEMENTS:
            continue
        leaf = given.detach().clone().requires_grad_()

        def put(argument: str, value: torch.Tensor, wanted: str = name, leaf: torch.Tensor = leaf) -> torch.Tensor:
            return leaf if argument == wanted else value

        answers = asked(call, *mapped(call, put), gradients=True)
        # A convolution says of each step what its neighbours have to do with it, and fills up with zeros itself.
        convolved = any(isinstance(part, _CONVOLUTIONS) for part in call.module.modules())
        told = [_about_content(answer, filler, of_steps=not convolved) for answer in answers]
        read = [_mixed(numbers) for numbers in told if numbers is not None and numbers.requires_grad]
        if not read:
            continue
        gradient = torch.autograd.grad(torch.stack(read).sum(), leaf, allow_unused=True)[0]
        if gradient is None or not bool(gradient.any()):
            continue
        sizes = gradient.double().norm(dim=-1)
        beyond = _beyond(filler, call.module)
        if bool(beyond.any()):
            of_filler, of_content = float(sizes[beyond].mean()), float(sizes[~filler].mean())
            share = float(filler.double().mean())
            yield FilledRead(type(call.module).__name__, name, share, of_filler, of_content)


def filler_of(given: torch.Tensor) -> torch.Tensor | None:
    """Return where (N, T) sequences (N, T, D) of different lengths end in one and the same row; None where none do.

    What begins with it as well has margins, as the rows of a picture have.
    """
    if given.dim() != _SEQUENCES or not given.is_floating_point() or given.shape[1] < _SHORTEST:
        return None
    if given.shape[2] < _NARROWEST or len(given) < 2:
        return None
    rows, count = given[:, -1].unique(dim=0, return_counts=True)
    same = (given == rows[count.argmax()]).all(dim=2)
    filler = same.flip(1).long().cumprod(dim=1).flip(1).bool()
    lengths = filler.sum(dim=1)
    several = int(lengths.max()) >= _FEWEST and int((lengths > 0).sum()) >= _FEWEST and len(lengths.unique()) > 1
    clear = not bool(same[:, 0].any()) and float((same & ~filler).double().mean()) == 0.0
    return filler if several and clear and float((lengths > 0).double().mean()) >= _FILLED else None


def _about_content(answer: torch.Tensor, filler: torch.Tensor, *, of_steps: bool) -> torch.Tensor | None:
    """Return what an answer says of whole samples (N, K), or of the steps of (N, T), (N, T, ...), (N, C, T) that count.

    None where that is not known: steps that were joined, or another one put before them, have other places.
    """
    samples, steps = filler.shape
    if len(answer) != samples or answer.dim() == 1:
        return answer if len(answer) == samples else None
    if answer.shape[1] == steps:
        return answer[~filler] if of_steps else None
    if answer.dim() == _SEQUENCES and answer.shape[2] == steps:
        return answer.movedim(2, 1)[~filler] if of_steps else None
    return answer if answer.dim() < _SEQUENCES else None


def _mixed(numbers: torch.Tensor) -> torch.Tensor:
    """One number that depends on all of them."""
    weights = torch.randn(numbers.shape, generator=torch.Generator().manual_seed(0)).to(numbers)
    return (numbers * weights).sum()


def _beyond(filler: torch.Tensor, model: nn.Module) -> torch.Tensor:
    """What sequences are filled up with, behind the part that convolutions see from the end of the content."""
    reach, step = 0, 1
    for part in model.modules():
        if isinstance(part, _CONVOLUTIONS):
            reach += step * max(part.dilation) * (max(part.kernel_size) - 1)
            step *= max(part.stride)
    return filler & (filler.long().cumsum(dim=1) > reach)
