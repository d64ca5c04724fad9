"""Noised samples: how much of each is data and noise, and whether that is what the time of the sample says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from runtime_probe.record import MixRecord

if TYPE_CHECKING:
    from runtime_probe.tap.session import Session

_NUMBERS, _MOST = 6, 2_000_000
"""Numbers of a sample, and of all samples."""
_EXACT = 1e-3
"""What a fit of two shares may leave open, of the spread of the sample."""
_STRAIGHT, _TABLE = 1e-2, 2
_FEWEST = 3
"""Different times that tell an order."""


@dataclass(slots=True)
class Mix:
    """Samples (N, ...) that were made of data and noise."""

    made: torch.Tensor
    data: torch.Tensor
    """Shares (N)."""
    noise: torch.Tensor


def mixed(made: torch.Tensor, data: torch.Tensor, noise: torch.Tensor) -> Mix | None:
    """Fit the two shares of each sample; None where they leave something open."""
    if (
        not made.shape == data.shape == noise.shape
        or made.dim() < 2
        or not _NUMBERS * len(made) <= made.numel() <= _MOST
    ):
        return None
    x, d, e = (t.detach().double().flatten(1) for t in (made, data, noise))
    solved = torch.linalg.lstsq(torch.stack([d, e], dim=2), x[:, :, None], driver="gelsd").solution
    left = (torch.stack([d, e], dim=2) @ solved)[:, :, 0] - x
    if not bool((left.abs() < _EXACT * x.std().clamp(min=1e-9)).all()):
        return None
    return Mix(made.detach(), solved[:, 0, 0], solved[:, 1, 0])


def note(session: Session) -> None:
    """Compare the shares of what a model was given with the times that it was given beside it."""
    features = session.record.features
    for mix in session.noise.mixes:
        for call in session.calls.outer.values():
            given = call.named()
            if all(tensor.data_ptr() != mix.made.data_ptr() for _, tensor in given):
                continue
            n = len(mix.made)
            times = [t.detach().double().flatten() for _, t in given if t.numel() == n and t.dtype != torch.bool]
            found = [_ordered(time, mix) for time in times if len(time.unique()) >= min(n, _FEWEST)]
            best = next((one for one in found if one.in_order), found[0] if found else None)
            if best is not None and n >= _FEWEST:
                last = features.mix
                # A wrong order of few times is right by chance now and then.
                features.mix = best if last is None or last.in_order else last


def _ordered(time: torch.Tensor, mix: Mix) -> MixRecord:
    order = time.argsort(stable=True)
    steps, share = time[order].diff(), mix.noise.abs()[order].diff()
    rises, falls = bool((share[steps > 0] > -_EXACT).all()), bool((share[steps > 0] < _EXACT).all())
    square = mix.data.square() + mix.noise.square()
    straight = bool(((mix.data + mix.noise - 1).abs() < _STRAIGHT).all())
    return MixRecord(
        samples=len(time),
        in_order=rises or falls,
        grows=rises,
        straight=straight and not bool(((square - 1).abs() < _STRAIGHT).all()),
    )
