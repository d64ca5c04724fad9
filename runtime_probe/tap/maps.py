"""Masks beside the pictures that they lie over: do the borders of things stand where the picture has edges?

A mask that is transposed, mirrored or moved, or that belongs to another picture, can be learnt by heart from four
samples. So the data set is asked, by the correlation of edges under each turn and shift.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import torch
from torch.nn.functional import adaptive_avg_pool2d
from torch.utils.data import IterableDataset

from runtime_probe.record import MapFit
from runtime_probe.tap.augmentations import REVERSED, TURNS, views
from runtime_probe.tap.loaders import samples, spread_out
from runtime_probe.tap.randomness import untouched
from runtime_probe.tap.statistics import tensors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from torch.utils.data import DataLoader

_SAMPLES, _FEWEST, _SECONDS, _MOST_NUMBERS = 96, 24, 1.0, 50_000_000
_SMALLEST, _LARGEST = 12, 128
"""Rows and columns of a map; larger ones are looked at in so many."""
_MAPS, _PICTURES = 3, 4
"""Dimensions of maps (N, H, W) and pictures (N, C, H, W)."""
_THIN, _BROAD, _FEWEST_LINES = 3, 10, 200
"""Widest line, in pixels, that blending two labels leaves; stripes that are asked for; fewest pixels on such lines."""
_NARROWER, _DIRECT = 5, 0.04
"""Pixels of lines for each of stripes, and borders without a line for each with one: at least, of names."""
_MOST_LABELS, _MASK = 64, 2
"""Different labels of maps, and numbers of a mask that is kept as floats."""
_OTHERS = 3
"""Other pictures that each map is laid over, to see what is alike in all of them."""
_CLEARLY, _TIMES = 6.0, 2.0
"""Standard errors by which a turned or shifted map must fit, and how much better than one that is left as it is."""
_FURTHEST = 4
"""Shifts are looked for up to this part of the picture."""
_TRANSPOSED = "transposed"
_MOVES: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    **{name: turn for name, turn in TURNS.items() if name != REVERSED},
    _TRANSPOSED: lambda x: x.transpose(-2, -1),
    "transposed and turned by 180 degrees": lambda x: x.transpose(-2, -1).flip((-2, -1)),
}


def look(loader: DataLoader[Any], inputs: Iterable[str], targets: Iterable[str]) -> list[MapFit]:
    """Lay the maps of a data set over its pictures, as they are, turned and shifted, and over those of others."""
    data: Any = loader.dataset
    if isinstance(data, IterableDataset) or loader.collate_fn is None or not (set(inputs) and set(targets)):
        return []
    with untouched():
        numbers = _numbers(loader, targets)
        chosen = spread_out(data, min(_SAMPLES, _MOST_NUMBERS // numbers)) if numbers else []
        if len(chosen) < _FEWEST:
            return []
        read = samples(data, chosen, time.monotonic() + _SECONDS)
        parts = dict(tensors(loader.collate_fn(read)))
    pictures = [view for name in sorted(inputs) for view in views(_part(parts, name)) if view.shape[-2] > 1]
    found = []
    for name in sorted(targets):
        fit = _fit(name, pictures, _part(parts, name)) if name in parts and len(read) >= _FEWEST else None
        if fit is not None:
            found.append(fit)
    return found


def _part(parts: dict[str, torch.Tensor], name: str) -> torch.Tensor | None:
    return parts[name].detach().cpu() if name in parts else None


def _numbers(loader: DataLoader[Any], targets: Iterable[str]) -> int:
    """Numbers of one sample; 0 where no target may be a map, and nothing more is to be read."""
    first = samples(loader.dataset, spread_out(loader.dataset, 1), 0.0)
    parts = list(tensors(loader.collate_fn(first))) if first and loader.collate_fn is not None else []
    shapes = [part.shape for name, part in parts if name in set(targets)]
    maps = any(len(shape) >= _MAPS and min(shape[-2:]) >= _SMALLEST for shape in shapes)
    return sum(part.numel() for _, part in parts) if maps else 0


def _fit(name: str, pictures: list[torch.Tensor], maps: torch.Tensor | None) -> MapFit | None:
    """Compare maps (N, H, W) or (N, C, H, W) with pictures (N, C, H, W) of the same shape, or a multiple of it."""
    if maps is None or maps.dim() not in (_MAPS, _PICTURES) or maps.is_complex() or min(maps.shape[-2:]) < _SMALLEST:
        return None
    maps = maps[:, None] if maps.dim() == _MAPS else maps
    step = -(-max(maps.shape[-2:]) // _LARGEST)
    maps = maps[..., ::step, ::step]
    height, width = maps.shape[-2:]
    over = [p for p in pictures if len(p) == len(maps) and p.shape[-2] * width == p.shape[-1] * height]
    kinds = len(maps.unique())
    whole = not maps.is_floating_point() or kinds <= _MASK
    if not over or min(p.shape[-2] for p in over) < height or (whole and kinds > _MOST_LABELS):
        return None
    seen = torch.cat([_standardized(adaptive_avg_pool2d(p.nan_to_num(), (height, width))) for p in over], dim=1)
    borders = _borders(maps, whole=whole)
    # Pictures of which nothing is marked say nothing.
    marked = borders.flatten(1).any(dim=1)
    seen, maps, borders = seen[marked], maps[marked], borders[marked]
    if len(maps) < _FEWEST:
        return None
    edges = _gradient(seen)
    edges = edges / (edges + edges.mean(dim=(1, 2), keepdim=True)).clamp(min=1e-12)
    mean, error = _correlations(edges, borders)
    stays = _near(mean, error)
    moved = {turn: move(maps) for turn, move in _MOVES.items()}
    found = {
        turn: _near(*_correlations(edges, _borders(turned, whole=whole)))
        for turn, turned in moved.items()
        if turned.shape == maps.shape
    }
    if whole:
        found |= _shifted(mean, error)
    turn = max(found, key=lambda name: found[name][0])
    fits, off = found[turn]
    fit = MapFit(name, len(maps), stays=stays[0])
    if fits > _TIMES * max(stays[0], 0.0) and fits > _CLEARLY * off > 0.0:
        fit.turn, fit.fits = turn, fits
    if whole:
        fit.blended = _blended(maps[:, 0]) if maps.shape[1] == 1 and step == 1 else 0.0
        fit.dependence = max(float(mean[:2, :2].mean() / error[:2, :2].mean().clamp(min=1e-12)), _within(seen, maps))
    return fit


def _standardized(pictures: torch.Tensor) -> torch.Tensor:
    """Pictures (N, C, H, W), each channel of each with mean 0 and deviation 1."""
    centred = pictures - pictures.mean(dim=(2, 3), keepdim=True)
    return centred / centred.square().mean(dim=(2, 3), keepdim=True).sqrt().clamp(min=1e-6)


def _gradient(x: torch.Tensor) -> torch.Tensor:
    """Length (N, H - 1, W - 1) of the step to the next row and column, over all channels."""
    here = x[..., :-1, :-1]
    return ((x[..., 1:, :-1] - here).square() + (x[..., :-1, 1:] - here).square()).sum(dim=1).sqrt()


def _borders(maps: torch.Tensor, *, whole: bool) -> torch.Tensor:
    """Where a map (N, C, H, W) changes (N, H - 1, W - 1); labels change or do not."""
    steps = _gradient(maps.double().nan_to_num()).float()
    return (steps > 0).float() if whole else steps


def _correlations(edges: torch.Tensor, borders: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the mean correlation (H, W) of edges and borders (N, H, W) at each shift, and its standard error.

    What borders of other samples have in common with the same edges is taken off: things lie in the middle, say.
    """
    one, other = (x - x.mean(dim=(1, 2), keepdim=True) for x in (edges, borders))
    one, other = (x / x.square().sum(dim=(1, 2), keepdim=True).sqrt().clamp(min=1e-12) for x in (one, other))
    size = one.shape[-2:]
    spectrum, turned = torch.fft.rfft2(one), torch.fft.rfft2(other).conj()
    others = sum(turned.roll(by, 0) for by in range(1, _OTHERS + 1)) / _OTHERS
    above = torch.fft.irfft2(spectrum * (turned - others), s=size)
    return above.mean(dim=0), above.std(dim=0) / len(above) ** 0.5


def _near(mean: torch.Tensor, error: torch.Tensor, at: tuple[int, int] = (0, 0)) -> tuple[float, float]:
    """Return the largest correlation within a pixel of a shift, and its error."""
    around = [(at[0] + dy, at[1] + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
    best = max(around, key=lambda shift: float(mean[shift[0] % len(mean), shift[1] % len(mean[0])]))
    place = (best[0] % len(mean), best[1] % len(mean[0]))
    return float(mean[place]), float(error[place])


def _shifted(mean: torch.Tensor, error: torch.Tensor) -> dict[str, tuple[float, float]]:
    """Return the shift at which borders fit best, unless they fit as well on the other side: those of things inside."""
    rows, columns = (range(-(size // _FURTHEST), size // _FURTHEST + 1) for size in mean.shape)
    away = [(dy, dx) for dy in rows for dx in columns if max(abs(dy), abs(dx)) > 1]
    dy, dx = max(away, key=lambda shift: float(mean[shift]))
    if float(mean[dy, dx]) < _TIMES * _near(mean, error, (-dy, -dx))[0]:
        return {}
    return {f"shifted by {dy} rows and {dx} columns": (float(mean[dy, dx]), float(error[dy, dx]))}


def _blended(labels: torch.Tensor) -> float:
    """Return the share of borders between labels (N, H, W) two or more apart where a thin line of one in between lies.

    0 where broad stripes are nearly as frequent, or hardly anything else is there: labels are levels of something.
    """
    thin, broad, direct = 0, 0, 0
    for rows in (labels, labels.transpose(1, 2)):
        direct += int(((rows[:, 1:] - rows[:, :-1]).abs() > 1).sum())
        for wide in range(1, _BROAD + 1):
            windows = rows.unfold(1, wide + 2, 1)
            ends, inside = windows[..., [0, -1]], windows[..., 1:-1]
            low, high = ends.amin(dim=-1), ends.amax(dim=-1)
            between = int(((inside.amin(dim=-1) > low) & (inside.amax(dim=-1) < high)).sum())
            thin, broad = (thin + between, broad) if wide <= _THIN else (thin, broad + between)
    levels = thin < _NARROWER * broad or direct < _DIRECT * thin
    return thin / (thin + direct) if thin >= _FEWEST_LINES and not levels else 0.0


def _within(seen: torch.Tensor, maps: torch.Tensor) -> float:
    """Return the standard errors by which labels part the pixels of their own picture better than of other ones."""
    above = _parted(seen, maps) - sum(_parted(seen, maps.roll(by, 0)) for by in range(1, _OTHERS + 1)) / _OTHERS
    return float(above.mean() / (above.std() / len(above) ** 0.5).clamp(min=1e-12))


def _parted(seen: torch.Tensor, maps: torch.Tensor) -> torch.Tensor:
    """Share (N,) of the variance of each picture (N, C, H, W) that lies between the labels (N, 1, H, W) of a map."""
    pixels, found = seen.flatten(2), torch.zeros(len(seen))
    for label in maps.unique():
        inside = (maps == label).any(dim=1).flatten(1).float()[:, None]
        count = inside.sum(dim=2)
        found += ((pixels * inside).sum(dim=2).square() / count.clamp(min=1.0)).sum(dim=1)
    return found / pixels.square().sum(dim=(1, 2)).clamp(min=1e-12)
