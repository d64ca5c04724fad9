"""From values to places on an axis: linear, logarithmic, and logarithmic on both sides of zero."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_WIDE = 30.0
"""Largest over smallest value from which on a linear axis hides the small ones."""
_LARGEST = 1e300
"""Beyond it differences of floats overflow."""
_TICKS = 5


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis from 0 to 1."""

    low: float
    high: float
    """The ends, in transformed units."""
    transform: Callable[[float], float]
    ticks: tuple[tuple[float, str], ...]
    """Place from 0 to 1, label."""
    kind: str
    """`linear`, `logarithmic`, or `logarithmic on both sides of zero`."""

    def place(self, value: float) -> float:
        """Return where a finite value stands, 0 to 1 from end to end."""
        return min(1.0, max(0.0, (self.transform(_bounded(value)) - self.low) / (self.high - self.low)))


def fitting(values: Iterable[float], *, always_log: bool = False) -> Axis:
    """Return the axis on which all finite values can be told apart."""
    finite = [_bounded(value) for value in values if math.isfinite(value)] or [0.0, 1.0]
    low, high = min(finite), max(finite)
    positive = [value for value in finite if value > 0]
    if always_log and positive:
        return _logarithmic(min(positive), high)
    if low > 0 and high > _WIDE * low:
        return _logarithmic(low, high)
    magnitudes = sorted(abs(value) for value in finite if value)
    if low < 0 < high and magnitudes[-1] > _WIDE * max(1.0, magnitudes[len(magnitudes) // 2]):
        return _symmetric(low, high)
    return _linear(low, high)


def around_zero(values: Iterable[float]) -> Axis:
    """Return an axis for data that should lie within a few units of zero."""
    finite = [_bounded(value) for value in values if math.isfinite(value)] or [0.0]
    low, high = min([*finite, -1.0]), max([*finite, 1.0])
    return _symmetric(low, high) if max(-low, high) > _WIDE else _linear(low, high)


def _linear(low: float, high: float) -> Axis:
    pad = (high - low) * 0.06 or abs(high) * 0.1 or 1.0
    low, high = (0.0 if low >= 0 > low - pad else low - pad), high + pad
    step = _nice((high - low) / _TICKS)
    first = math.ceil(low / step)
    marks = [number * step for number in range(first, math.floor(high / step) + 1)]
    return _made(low, high, float, [(mark, _telling(mark, step)) for mark in marks], "linear")


def _logarithmic(low: float, high: float) -> Axis:
    bottom, top = math.log10(low), math.log10(high)
    pad = (top - bottom) * 0.06 or 0.3
    bottom, top = bottom - pad, top + pad
    every = max(1, math.ceil((top - bottom) / _TICKS))
    marks = [10.0**power for power in range(math.ceil(bottom), math.floor(top) + 1, every) if -308 <= power <= 308]
    if len(marks) < 3:
        marks = [m * 10.0**p for p in range(math.floor(bottom), math.ceil(top)) for m in (1, 2, 5) if -300 < p < 300]
        marks = [mark for mark in marks if bottom <= math.log10(mark) <= top]
    if len(marks) < 2:
        step = _nice((10.0**top - 10.0**bottom) / _TICKS)
        marks = [n * step for n in range(math.ceil(10.0**bottom / step), math.floor(10.0**top / step) + 1)]
        return _made(bottom, top, _log10, [(mark, _telling(mark, step)) for mark in marks], "logarithmic")
    return _made(bottom, top, _log10, [(mark, short(mark)) for mark in marks], "logarithmic")


def _symmetric(low: float, high: float) -> Axis:
    bottom, top = _both_sides(low), _both_sides(high)
    pad = (top - bottom) * 0.05 or 0.3
    most = max(1, math.ceil(max(-bottom, top)))
    every = max(1, math.ceil(most / 3))
    powers = [10.0**power for power in range(0, most + 1, every) if power <= 300]
    marks = [*[-mark for mark in reversed(powers)], 0.0, *powers]
    shown = [mark for mark in marks if bottom - pad <= _both_sides(mark) <= top + pad]
    # One beside zero is left out where the two labels would touch.
    crowded = _both_sides(1.0) < 0.09 * (top - bottom + 2 * pad)
    labels = [(mark, short(mark)) for mark in shown if not (crowded and abs(mark) == 1.0)]
    return _made(bottom - pad, top + pad, _both_sides, labels, "logarithmic on both sides of zero")


def _made(low: float, high: float, f: Callable[[float], float], marks: list[tuple[float, str]], kind: str) -> Axis:
    return Axis(low, high, f, tuple(((f(mark) - low) / (high - low), label) for mark, label in marks), kind)


def short(value: float) -> str:
    """Return a number in at most about six characters; `nan`, `inf` and `-inf` as they are."""
    if not math.isfinite(value):
        return str(value)
    if value and not 1e-3 <= abs(value) < 1e5:
        mantissa, _, power = f"{value:.2e}".partition("e")
        return f"{mantissa.rstrip('0').rstrip('.')}e{int(power)}"
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"


def _telling(value: float, step: float) -> str:
    """Return a tick's label with as many digits as it takes to tell it from the next."""
    if abs(value) < step / 2:
        return "0"
    last = math.floor(math.log10(step))
    if 1e-3 <= abs(value) < 1e5:
        return f"{value:.{min(max(0, -last), 8)}f}"
    mantissa, _, power = f"{value:.{max(0, math.floor(math.log10(abs(value))) - last)}e}".partition("e")
    return f"{mantissa}e{int(power)}"


def _nice(step: float) -> float:
    power = 10.0 ** math.floor(math.log10(step))
    return next(factor for factor in (1.0, 2.0, 5.0, 10.0) if step <= factor * power * 1.0001) * power


def _bounded(value: float) -> float:
    if abs(value) < 1.0 / _LARGEST:
        return 0.0  # a tick of less could not be told from 0
    return max(-_LARGEST, min(_LARGEST, value))


def _log10(value: float) -> float:
    return math.log10(value) if value > 0 else -math.inf


def _both_sides(value: float) -> float:
    return math.copysign(math.log10(1.0 + abs(value)), value)
