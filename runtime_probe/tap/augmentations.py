"""What a data set does to pictures and signals when it is asked for the same samples again, and whether targets follow.

A picture that comes back as its mirror image shows another direction of movement, and other places of what is in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from runtime_probe.record import SHIFTED, Augmentation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_ROWS, _PICTURES, SMALLEST, SHORTEST = 2, 4, 6, 16
"""Dimensions of signals (N, T) and of pictures (N, C, H, W), pixels of their shorter side, and length of signals."""
_ALIKE, _CLEARLY = 0.9, 0.1
"""Correlation of one draw with the turned other one, and by how much it is above that with the other one itself."""
_CHANNELS = (1, 3, 4)

REVERSED = "reversed"
TURNS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "flipped left to right": lambda x: x.flip(-1),
    "flipped upside down": lambda x: x.flip(-2),
    "turned by 180 degrees": lambda x: x.flip((-2, -1)),
    "turned by 90 degrees": lambda x: x.rot90(1, (-2, -1)),
    "turned by 270 degrees": lambda x: x.rot90(3, (-2, -1)),
    REVERSED: lambda x: x.flip(-1),
}
"""What an augmentation may do to pictures (..., H, W), the last one to signals (..., 1, T)."""
_OTHER, _OVERLAP = 0.4, 0.25
"""Correlation of two draws of a picture that was shifted, at most, and share of it that is seen in both."""


def compare(draws: list[dict[str, torch.Tensor]], inputs: Iterable[str], targets: Iterable[str]) -> list[Augmentation]:
    """Compare the parts of samples that were drawn several times: where inputs came back turned, did targets?"""
    inputs, targets = sorted(inputs), sorted(targets)
    found: dict[tuple[str, str], Augmentation] = {}
    for name in inputs if targets else []:
        for number, draw in enumerate(draws[1:], 1):
            for first, later in zip(views(draws[0].get(name)), views(draw.get(name)), strict=False):
                for row in range(len(first) if first.shape == later.shape else 0):
                    turn = turned(first[row], later[row])
                    shifted = not turn and _is_shifted(first[row], later[row])
                    for target in targets if turn or shifted else []:
                        _note(
                            found, (name, target, turn or SHIFTED), draws[0].get(target), draws[number].get(target), row
                        )
    return list(found.values())


def views(value: torch.Tensor | None) -> list[torch.Tensor]:
    """Return what may be pictures (N, C, H, W) in a batch of them, of films, or of signals (H is 1); none of others."""
    if value is None or value.is_complex() or value.dtype in (torch.bool, torch.long) or value.dim() < _ROWS:
        return []
    if value.dim() < _PICTURES:
        signals = [value[:, None]] if value.dim() == _ROWS else [value, value.movedim(1, -1)]
        return [signal[:, :, None].float() for signal in signals if signal.shape[-1] >= SHORTEST]
    value = value[:, 0] if value.dim() > _PICTURES else value
    if value.shape[-1] in _CHANNELS and value.shape[1] not in _CHANNELS:
        value = value.movedim(-1, 1)
    return [value.float()] if min(value.shape[-2:]) >= SMALLEST else []


def turned(first: torch.Tensor, later: torch.Tensor) -> str:
    """Return what was done to a picture or signal (C, H, W), contrast aside; empty where nothing of `TURNS`."""
    if first.shape[-2] == 1:
        same, mirrored = _round_about(first, later), _round_about(first.flip(-1), later)
        return REVERSED if mirrored > max(_ALIKE, same + _CLEARLY) else ""
    same = _correlation(first, later)
    fitting = {name: turn(first) for name, turn in TURNS.items() if name != REVERSED}
    found = {name: _correlation(x, later) for name, x in fitting.items() if x.shape == later.shape}
    best = max(found, key=lambda name: found[name])
    return best if found[best] > max(_ALIKE, same + _CLEARLY) else ""


def turned_and_moved(first: torch.Tensor, later: torch.Tensor) -> str:
    """As `turned`, of pictures (C, H, W) that may have been shifted as well."""
    if min(first.shape[-2:]) < SHORTEST:
        return turned(first, later)
    same = _aligned(first, later)
    fitting = {name: turn(first) for name, turn in TURNS.items() if name != REVERSED}
    found = {name: _aligned(x, later) for name, x in fitting.items() if x.shape == later.shape}
    best = max(found, key=lambda name: found[name])
    return best if found[best] > max(_ALIKE, same + _CLEARLY) else ""


def _is_shifted(first: torch.Tensor, later: torch.Tensor) -> bool:
    """Whether a picture (C, H, W) came back with its content at another place, as after a crop."""
    if min(first.shape[-2:]) < SHORTEST or abs(_correlation(*_grey(first, later))) >= _OTHER:
        return False
    return _aligned(first, later) > _ALIKE


def _grey(first: torch.Tensor, later: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return first.mean(dim=0) - first.mean(), later.mean(dim=0) - later.mean()


def _aligned(first: torch.Tensor, later: torch.Tensor) -> float:
    """Correlation, in grey, of what is seen in both of two pictures (C, H, W), shifted to where they fit best."""
    a, b = _grey(first, later)
    spectrum = torch.fft.rfft2(a).conj() * torch.fft.rfft2(b)
    best = int(torch.fft.irfft2(spectrum, s=a.shape).argmax())
    parts = []
    for size, place in zip(a.shape, divmod(best, a.shape[1]), strict=True):
        by = place - size if 2 * place >= size else place
        parts.append((slice(max(0, -by), size - max(0, by)), slice(max(0, by), size + min(0, by))))
    (rows, other_rows), (columns, other_columns) = parts
    seen = a[rows, columns]
    return _correlation(seen, b[other_rows, other_columns]) if seen.numel() >= _OVERLAP * a.numel() else 0.0


def _correlation(a: torch.Tensor, b: torch.Tensor) -> float:
    a, b = (x - x.mean(dim=(-2, -1), keepdim=True) for x in (a, b))
    scale = float(a.norm() * b.norm())
    return float((a * b).sum()) / scale if scale > 0 else 0.0


def _round_about(a: torch.Tensor, b: torch.Tensor) -> float:
    """Correlation of signals (C, 1, T) where they fit best: beams of a scanner, and phases, have no beginning."""
    a, b = (x - x.mean(dim=-1, keepdim=True) for x in (a, b))
    scale = float(a.norm() * b.norm())
    spectrum = torch.fft.rfft(a).conj() * torch.fft.rfft(b)
    return float(torch.fft.irfft(spectrum.sum(dim=0), n=a.shape[-1]).max()) / scale if scale > 0 else 0.0


def is_spatial(target: torch.Tensor) -> bool:
    """Whether the target of one sample is a picture (..., H, W), too."""
    return target.dim() > 1 and min(target.shape[-2:]) >= SMALLEST


def entry_of(
    found: dict[tuple[str, str], Augmentation], part: str, target: str, turn: str, one: torch.Tensor
) -> Augmentation:
    """Return what is known of a part and a target, of which `one` is that of a sample; new where nothing is."""
    new = Augmentation(part, target, turn, is_spatial(one), numbers=one.numel(), whole=not one.is_floating_point())
    return found.setdefault((part, target), new)


def _note(
    found: dict[tuple[str, str], Augmentation],
    names: tuple[str, str, str],
    first: torch.Tensor | None,
    later: torch.Tensor | None,
    row: int,
) -> None:
    """The input of a sample came back turned: did the target change?"""
    if first is None or later is None or first.shape != later.shape or first.dim() == 0:
        return
    part, target, turn = names
    a, b = first[row], later[row]
    spatial = is_spatial(a)
    if turn == SHIFTED:
        # Positions may be meant for shifted pictures, too; what is to be cleaned of noise stays where it is.
        if a.is_floating_point() or not spatial or min(a.shape[-2:]) < SHORTEST or bool((a == a.flatten()[0]).all()):
            return
    elif (spatial and torch.equal(TURNS[turn](a), a)) or (not spatial and a.dtype == torch.bool):
        return  # it looks the same either way; a mask of keypoints says what is there, not where
    entry = entry_of(found, part, target, turn, a)
    entry.pairs += 1
    entry.unmoved += torch.equal(a, b)
