"""Random numbers of a step: what was drawn, what noise was mixed with, and whether the next step draws the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from runtime_probe.record import Where
from runtime_probe.tap.latents import Latents
from runtime_probe.tap.mixes import Mix, mixed
from runtime_probe.tap.places import here
from runtime_probe.tap.statistics import describe, digest

if TYPE_CHECKING:
    from runtime_probe.tap.session import Session

DRAWS = frozenset(
    "rand randn rand_like randn_like randint uniform_ normal_ normal randperm bernoulli multinomial".split()
)
_NOISE = "_convdiag_noise"
_NORMAL = Where()
"""Tag of normal noise; that of uniform noise is where it was drawn."""
_DATA = "_convdiag_data"
_MIXED = "_convdiag_mixed"
"""Tag of a sum or difference: the number of the draw in it."""
_DRAW = "_convdiag_draw"
"""Tag of normal noise: the number of its draw."""
_MIXES = 4
_FEW_DRAWS, _FEW_WHOLE, _MANY_DRAWS = 4, 16, 1_000_000
"""Numbers of one draw that are compared with those of the step before; a few whole numbers repeat by chance."""


class Noise:
    """Follows what is drawn while the session is watching."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.latents = Latents(session.record)
        self.shapes: dict[tuple[int, ...], float] = {}
        """Shapes of noise, and its standard deviation; 0 for uniform noise."""
        self.normal_draws = 0
        self.normal: dict[int, torch.Tensor] = {}
        """The draws of this iteration, by their numbers."""
        self.mixes: list[Mix] = []
        self.mixed_data: list[torch.Tensor] = []
        """Of this iteration."""
        self.mixed_draws: dict[int, list[tuple[int, tuple[int, ...]]]] = {}
        """Draws that were added to something, with id and shape of each sum; 0 for noise that nobody knows."""
        self.drawn: list[tuple[str, Where]] = []
        """Digest and line of each draw of the current step."""
        self.drawn_before: list[tuple[str, Where]] | None = None
        self.draws: dict[str, list[int]] = {}
        """Number of elements of each draw of the current step, by function."""

    def note_draw(self, name: str, result: torch.Tensor) -> None:
        """Count a draw, and mark what may be noise."""
        calls = self.session.record.features.calls
        self.draws.setdefault(name.removesuffix("_like").rstrip("_"), []).append(result.numel())
        calls[name] = calls.get(name, 0) + 1
        # A digest does not see an order, and a permutation is nothing else.
        enough = _FEW_DRAWS if result.is_floating_point() else _FEW_WHOLE
        compared = name != "randperm" and enough <= result.numel() <= _MANY_DRAWS
        if self.session.course.in_phase and compared:
            self.drawn.append((digest([result]), here(4)))
        if name in ("rand", "rand_like") and result.dim() > 1:
            setattr(result, _NOISE, here(4))
            self.shapes.setdefault(tuple(result.shape), 0.0)
        if name.startswith(("randn", "normal")) and result.dim() > 1:
            setattr(result, _NOISE, _NORMAL)
            self.normal_draws += 1
            setattr(result, _DRAW, self.normal_draws)
            self.normal[self.normal_draws] = result.detach()
            self.shapes[tuple(result.shape)] = float(result.float().std()) if result.numel() > 1 else 0.0

    def note_sum_or_product(self, name: str, a: Any, b: Any, result: Any) -> None:
        """Noise that is scaled stays noise; what is added to it is the data."""
        tags = [getattr(x, _NOISE, None) if isinstance(x, torch.Tensor) else None for x in (a, b)]
        noisy = [tag is not None for tag in tags]
        tag = tags[0] or tags[1]
        if not isinstance(result, torch.Tensor):
            return
        if name in ("mul", "rmul"):
            if any(noisy):
                setattr(result, _NOISE, tag)
                setattr(result, _DRAW, _draw_of(a) or _draw_of(b))
                scale = b if noisy[0] else a
                if isinstance(scale, torch.Tensor) and scale.requires_grad and not all(noisy):
                    self.latents.note_scaled(scale, here(4))
                if result.requires_grad and result.numel() > 1:
                    calls = self.session.record.features.calls
                    calls["scaled noise"] = calls.get("scaled noise", 0) + 1
            elif tuple(result.shape) in self.shapes:
                for x in (a, b):
                    if isinstance(x, torch.Tensor) and x.shape == result.shape and not x.requires_grad:
                        setattr(result, _DATA, x)
        elif sum(noisy) == 1:
            other, noise = (b, a) if noisy[0] else (a, b)
            self.mixed_draws.setdefault(_draw_of(noise), []).append((id(result), tuple(result.shape)))
            setattr(result, _MIXED, _draw_of(noise))
            if isinstance(other, torch.Tensor) and name in ("add", "radd"):
                self.latents.note_sum(other, result, here(4))
            data = other if name == "lerp" else getattr(other, _DATA, None)
            if isinstance(data, torch.Tensor):
                self._note_mix(result, data, noise, tag)

    def _note_mix(self, result: torch.Tensor, data: torch.Tensor, noise: Any, tag: Any) -> None:
        """Noise was added to data."""
        drawn, features = self.normal.get(_draw_of(noise)), self.session.record.features
        self.mixed_data = [*self.mixed_data[1 - _MIXES :], data.detach()]
        mix = mixed(result, data, drawn) if drawn is not None and len(self.mixes) < _MIXES else None
        self.mixes += [mix] if mix is not None else []
        if tag is not _NORMAL:
            features.uniform_noise = features.uniform_noise or tag
        elif not features.data_std:
            features.data_std = describe("data", "", data).std
            features.noise_std = self.shapes.get(tuple(result.shape))

    def note_target(self, target: torch.Tensor) -> None:
        """A loss compares with noise as it was drawn: is it that which was mixed with the data?"""
        mixed = {
            draw
            for draw, sums in self.mixed_draws.items()
            if any(shape == tuple(target.shape) and number != id(target) for number, shape in sums)
        }
        given = [t for call in self.session.calls.outer.values() for _, t in call.named()]
        if getattr(target, _MIXED, 0) and any(t.data_ptr() == target.data_ptr() for t in given):
            self.session.record.features.target_is_given = here(4)
        features = self.session.record.features
        kind = "noise" if _draw_of(target) else "difference" if getattr(target, _MIXED, 0) else ""
        if not kind and any(_same(data, target) for data in self.mixed_data):
            kind = "data"
        if kind and kind not in features.noised_targets:
            features.noised_targets.append(kind)
        draw = _draw_of(target) or getattr(target, _MIXED, 0)
        if draw and mixed and draw not in mixed:
            self.session.record.features.other_noise = here(4)

    def compare_draws(self) -> None:
        """Were all random numbers of this step drawn in the one before, too? Both were watched as a whole."""
        features, drawn = self.session.record.features, self.drawn
        if drawn and self.session.course.in_phase > 1:
            if self.drawn_before is not None:
                features.draws_compared = True
                if {n for n, _ in drawn} <= {n for n, _ in self.drawn_before}:
                    features.draws_repeated = drawn[0][1]
            self.drawn_before = drawn
        self.drawn = []

    def forget(self) -> None:
        """An iteration is over."""
        self.compare_draws()
        self.latents.forget()
        self.draws.clear()
        self.mixed_draws.clear()
        self.mixed_data.clear()
        self.normal.clear()
        self.mixes.clear()


def _same(a: torch.Tensor, b: torch.Tensor) -> bool:
    return a.shape == b.shape and a.dtype == b.dtype and torch.equal(a, b)


def _draw_of(value: Any) -> int:
    return getattr(value, _DRAW, 0) if isinstance(value, torch.Tensor) else 0
