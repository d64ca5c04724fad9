"""Inputs that a model is asked with outside of training, beside those of training: do they come in the same numbers?

A script that says how good its model is before it trains, or that looks once whether its validation runs, has asked
the model already when the first batch comes.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch

from runtime_probe.record import AskedOutside
from runtime_probe.tap.places import here
from runtime_probe.tap.rewards import at_hand
from runtime_probe.tap.statistics import rows_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from torch import nn

    from runtime_probe.record import Where

_MOST_CALLS, _CALLS, _ROWS, _VALUES = 1024, 64, 2048, 200_000
"""Calls of a module, of one line, and rows and values of each that are looked at."""
_FEWEST = 16
"""Samples of a site."""
_MEAN = re.compile(r"mean|mu$|offset|center|loc$|low|min", re.IGNORECASE)
_STD = re.compile(r"std|sigma|scale|dev|range|half", re.IGNORECASE)
_VARIANCE = re.compile(r"(^|_)var(iance)?$", re.IGNORECASE)
_TABLE = 2
_LEAST = 1e-9
_APART, _EXPLAINED = 0.5, 0.25
"""Distance of the numbers, and share of it that is left where means and deviations of the script account for it."""


@dataclass(slots=True)
class _Numbers:
    """Moments per feature of what one argument got."""

    samples: int = 0
    rows: int = 0
    calls: int = 0
    total: torch.Tensor = field(default_factory=lambda: torch.zeros(0))
    squares: torch.Tensor = field(default_factory=lambda: torch.zeros(0))

    def add(self, tensor: torch.Tensor) -> None:
        """One call; with another number of features everything begins anew."""
        self.calls += 1
        values = rows_of(tensor[: max(1, _VALUES // max(1, tensor[0].numel()))])[:_ROWS].cpu()
        if not bool(values.isfinite().all()):
            return
        if self.total.shape != values.shape[1:]:
            self.samples = self.rows = 0
            self.total = self.squares = torch.zeros_like(values[0])
        self.total = self.total + values.sum(dim=0)
        self.squares = self.squares + values.square().sum(dim=0)
        self.rows += len(values)
        self.samples += len(tensor)

    def moments(self) -> tuple[torch.Tensor, torch.Tensor] | None:
        """Means and standard deviations; None where there are too few samples."""
        if self.samples < _FEWEST:
            return None
        mean = self.total / self.rows
        return mean, (self.squares / self.rows - mean.square()).clamp(min=0.0).sqrt()


@dataclass(slots=True)
class _Site:
    """A line that asks a model without gradients."""

    where: Where
    kind: type
    module: int
    within: bool = False
    """It asks while the model is trained."""
    acting: bool = False
    """An environment steps between its calls."""
    numbers: dict[str, _Numbers] = field(default_factory=dict)


class Evaluated:
    """Calls of models from outside, with gradients and without."""

    def __init__(self) -> None:
        self.training: dict[int, dict[str, _Numbers]] = {}
        self.kinds: dict[int, type] = {}
        """Classes of the modules that were trained."""
        self.sites: dict[tuple[int, int, int], _Site] = {}
        self.pending: dict[int, tuple[_Site | None, list[tuple[str, torch.Tensor]]]] = {}
        """By id of the module: who asks, and with what."""
        self.last: _Site | None = None
        self.count: dict[int, int] = {}
        """Calls of each module; agents ask theirs at every step of an environment."""

    def wants(self, module: nn.Module, *, outer: bool) -> bool:
        """Whether a call is noted: one from outside, or of a part that something outside of training asks, too."""
        key = id(module)
        if not outer and all(site.module != key for site in self.sites.values()):
            return False
        self.count[key] = self.count.get(key, 0) + 1
        return self.count[key] <= _MOST_CALLS

    def before(self, module: nn.Module, named: Iterable[tuple[str, torch.Tensor]], *, trains: bool) -> None:
        """A module is called from outside."""
        fits = [
            (n, t)
            for n, t in named
            if t.is_floating_point() and t.dim() >= _TABLE and t.numel() and not t.requires_grad
        ]
        site = None
        if not trains and fits:
            where = here(4)
            key = (id(module), hash(where.path), where.line)
            site = self.sites.setdefault(key, _Site(where, type(module), id(module)))
            site.within |= type(module) in self.kinds.values()
        self.pending[id(module)] = (site, fits)
        if trains:
            self.kinds[id(module)] = type(module)

    def after(self, module: nn.Module, made: Iterable[torch.Tensor]) -> None:
        """What it gave back; inputs of that shape may have been made by it, as those of a sampler are."""
        site, fits = self.pending.pop(id(module), (None, []))
        if not fits:
            return
        shapes = {tensor.shape for tensor in made}
        numbers = self.training.setdefault(id(module), {}) if site is None else site.numbers
        for name, tensor in fits:
            if tensor.shape not in shapes:
                one = numbers.setdefault(name, _Numbers())
                if one.calls < _CALLS:
                    one.add(tensor.detach())
        self.last = site

    def note_step(self) -> None:
        """An environment has stepped."""
        if self.last is not None:
            self.last.acting = True

    def found(self) -> Iterator[AskedOutside]:
        """Compare each line that asks with training."""
        scales = _scales()
        for site in self.sites.values():
            module = self._trained(site)
            for name, numbers in site.numbers.items():
                own = self.training.get(module, {}).get(name) if module is not None else None
                one = _compared(own, numbers, scales) if own is not None else None
                if one is not None:
                    yield AskedOutside(name, site.kind.__name__, site.where, *one, acting=site.acting)

    def _trained(self, site: _Site) -> int | None:
        """The module that stands for what was asked: itself, or the only one of its make, where that is an average."""
        if site.module in self.training:
            return site.module
        if site.within:  # a target network, a teacher
            return None
        alike = [key for key, kind in self.kinds.items() if kind is site.kind and not _is_torch(kind)]
        return alike[0] if len(alike) == 1 else None


def _is_torch(kind: type) -> bool:
    return kind.__module__.partition(".")[0] == "torch"


def _compared(own: _Numbers, other: _Numbers, scales: Sequence[_Scale]) -> tuple[float, float, bool] | None:
    """Ratio of spreads, shift of means, and whether one is the other before it was scaled."""
    a, b = own.moments(), other.moments()
    if a is None or b is None or a[0].shape != b[0].shape:
        return None
    (mean, spread), (their_mean, their_spread) = a, b
    varied = (spread > _LEAST) & (their_spread > _LEAST)
    if not bool(varied.any()):
        return None
    ratio = (their_spread / spread)[varied].median()
    shift = ((their_mean - mean).abs() / torch.maximum(spread, their_spread))[varied].median()
    unscaled = any(_explains(scale, a, b, varied) for scale in scales if scale[0].shape == mean.shape)
    return float(ratio), float(shift), unscaled


_Scale = tuple[torch.Tensor, torch.Tensor]


def _explains(scale: _Scale, own: _Scale, other: _Scale, varied: torch.Tensor) -> bool:
    """Whether means and deviations of the script's account for all of a difference: (x - m) / s here, x there."""
    offset, factor = scale
    plain = _distance(own, other, varied)
    undone = own[0] * factor + offset, own[1] * factor
    done = (own[0] - offset) / factor, own[1] / factor
    return plain > _APART and min(_distance(undone, other, varied), _distance(done, other, varied)) < _EXPLAINED * plain


def _distance(a: _Scale, b: _Scale, varied: torch.Tensor) -> float:
    """Mean over the features of how far spreads (in powers of e) and means (in deviations) lie apart."""
    spreads = (a[1] / b[1]).clamp(min=_LEAST).log().abs()
    means = (a[0] - b[0]).abs() / torch.maximum(a[1], b[1]).clamp(min=_LEAST)
    return float((spreads + means.clamp(max=10.0))[varied].mean())


def _scales() -> list[_Scale]:
    """Pairs of means (D) and standard deviations (D) among the script's variables."""
    offsets: list[torch.Tensor] = []
    factors: list[torch.Tensor] = []
    for name, value in at_hand():
        squared = bool(_VARIANCE.search(name))
        vector = _vector(value) if squared or _MEAN.search(name) or _STD.search(name) else None
        if vector is not None and squared:
            factors.append(vector.clamp(min=0.0).sqrt())
        elif vector is not None:
            (factors if _STD.search(name) else offsets).append(vector)
    return [(m, s) for m in offsets for s in factors if m.shape == s.shape and bool((s > 0).all())][:16]


def _vector(value: Any) -> torch.Tensor | None:
    """Numbers (D) of an array (D), or (1, D)."""
    numpy = sys.modules.get("numpy")
    if not isinstance(value, torch.Tensor) and (numpy is None or not isinstance(value, numpy.ndarray)):
        return None
    table = len(value.shape) == _TABLE and value.shape[0] > 1
    if "float" not in str(value.dtype) or table or not 1 <= len(value.shape) <= _TABLE or max(value.shape) <= 1:
        return None
    return torch.as_tensor(value).detach().double().cpu().flatten()
