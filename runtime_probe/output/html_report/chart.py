"""A chart of some curves over the steps, as SVG; what is not finite stands as a mark at the upper edge."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runtime_probe.output.html_report import axes
from runtime_probe.output.html_report.axes import Axis, short
from runtime_probe.output.html_report.markup import Markup, tag

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

WIDTH, HEIGHT = 560, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 66, 12, 42, 40
_COLOURS, _SHAPES = 9, ("circle", "square", "triangle", "diamond")
_DASHES = (None, "7 4", "2 3", "9 3 2 3")
_MOST_MARKERS = 30


@dataclass(frozen=True, slots=True)
class Curve:
    """One value a step."""

    name: str
    values: Sequence[float]
    style: int = 0
    """0 is the baseline; each other number has its own colour, dashes and marker."""


@dataclass(frozen=True, slots=True)
class Level:
    """A horizontal line to compare with."""

    name: str
    value: float


@dataclass(frozen=True, slots=True)
class Chart:
    """Curves on common axes."""

    title: str
    description: str
    unit: str
    """Name of the vertical axis."""
    curves: Sequence[Curve]
    levels: Sequence[Level] = ()
    band: tuple[float, float] | None = None
    """A range of values that is healthy."""
    log: bool = False
    x_name: str = "step"
    name: str = field(default="chart")
    """Id of the chart in the page."""


def draw(chart: Chart) -> Markup:
    """Return the chart; its numbers belong in a table beside it."""
    values = [value for curve in chart.curves for value in curve.values]
    axis = axes.fitting([*values, *(level.value for level in chart.levels)], always_log=chart.log)
    last = max([1, *(len(curve.values) - 1 for curve in chart.curves)])
    canvas = _Canvas(axis, last)
    parts = [
        tag("title", chart.title, id=f"{chart.name}-title"),
        tag("desc", chart.description, id=f"{chart.name}-desc"),
        *canvas.band(chart.band),
        *canvas.grid(chart.unit, chart.x_name),
        *canvas.levels(chart.levels),
        # The baseline is drawn last: it is what the others compare with.
        *[canvas.curve(curve) for curve in reversed(chart.curves)],
        *canvas.not_finite(chart.curves),
    ]
    return tag(
        "svg",
        *parts,
        class_="chart",
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        role="img",
        aria_labelledby=f"{chart.name}-title {chart.name}-desc",
    )


def swatch(style: int) -> Markup:
    """Return a curve's colour, dashes and marker for a legend."""
    line = tag("line", x1=1, y1=7, x2=33, y2=7, class_="curve", stroke_dasharray=_dashes(style))
    return tag(
        "svg", line, _marker(17, 7, style), class_=f"swatch {_class(style)}", viewBox="0 0 34 14", aria_hidden="true"
    )


class _Canvas:
    """The inside of the axes."""

    def __init__(self, axis: Axis, last: int) -> None:
        self._axis, self._last = axis, last

    def _x(self, step: float) -> float:
        return round(_LEFT + (WIDTH - _LEFT - _RIGHT) * step / self._last, 1)

    def _y(self, value: float) -> float:
        return round(HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * self._axis.place(value), 1)

    def grid(self, unit: str, x_name: str) -> Iterator[Markup]:
        """Lines and labels."""
        left, right, bottom = self._x(0), self._x(self._last), HEIGHT - _BOTTOM
        for place, label in self._axis.ticks:
            y = round(bottom - (bottom - _TOP) * place, 1)
            yield tag("line", x1=left, x2=right, y1=y, y2=y, class_="grid")
            yield tag("text", label, x=left - 7, y=y + 4, class_="end")
        every = max(1, math.ceil(self._last / 10))
        for step in range(0, self._last + 1, every):
            yield tag("text", step, x=self._x(step), y=bottom + 17, class_="middle")
        yield tag("line", x1=left, x2=right, y1=bottom, y2=bottom, class_="axis")
        scale = "" if self._axis.kind == "linear" else ", log scale"
        yield tag("text", f"{unit}{scale}", x=2, y=14, class_="name")
        yield tag("text", x_name, x=right, y=HEIGHT - 4, class_="name end")

    def band(self, band: tuple[float, float] | None) -> Iterator[Markup]:
        """The healthy range, as far as it is in sight."""
        if band is None:
            return
        low, high = self._y(band[0]), self._y(band[1])
        if low - high > 1:
            yield tag("rect", x=_LEFT, y=high, width=WIDTH - _LEFT - _RIGHT, height=round(low - high, 1), class_="band")

    def levels(self, levels: Sequence[Level]) -> Iterator[Markup]:
        """Lines to compare with, named at their right end."""
        for level in levels:
            if math.isfinite(level.value):
                y = self._y(level.value)
                yield tag("line", x1=_LEFT, x2=WIDTH - _RIGHT, y1=y, y2=y, class_="level")
                yield tag("text", level.name, x=WIDTH - _RIGHT - 2, y=y - 4, class_="end")

    def curve(self, curve: Curve) -> Markup:
        """A line with a gap wherever there is no finite value."""
        dashes, parts = _dashes(curve.style), []
        numbered = list(enumerate(curve.values))
        for finite, run in itertools.groupby(numbered, key=lambda pair: math.isfinite(pair[1])):
            points = " ".join(f"{self._x(step)},{self._y(value)}" for step, value in run) if finite else ""
            if points:
                parts.append(tag("polyline", points=points, class_="curve", stroke_dasharray=dashes))
        if len(numbered) <= _MOST_MARKERS:
            parts += [
                _marker(self._x(step), self._y(value), curve.style, f"{curve.name}, step {step}: {short(value)}")
                for step, value in numbered
                if math.isfinite(value)
            ]
        return tag("g", *parts, class_=_class(curve.style))

    def not_finite(self, curves: Sequence[Curve]) -> Iterator[Markup]:
        """A cross for each NaN and infinity; the first of a kind says which."""
        for curve in curves:
            said = ""
            for step, value in enumerate(curve.values):
                if math.isfinite(value):
                    continue
                x, y, word = self._x(step), _TOP - 5, short(value)
                cross = tag("path", d=f"M{x - 4} {y - 4}l8 8m0 -8l-8 8", class_="cross")
                label = tag("text", word, x=x, y=y - 8, class_="middle") if word != said and curve.style == 0 else None
                said = word
                yield tag(
                    "g", tag("title", f"{curve.name}, step {step}: {word}"), cross, label, class_=_class(curve.style)
                )


def _class(style: int) -> str:
    return f"c{style if style == 0 else (style - 1) % _COLOURS + 1}"


def _dashes(style: int) -> str | None:
    return _DASHES[style % len(_DASHES)] if style else None


def _marker(x: float, y: float, style: int, title: str = "") -> Markup:
    shape = _SHAPES[style % len(_SHAPES)]
    shapes = {
        "circle": f"M{x - 3.5} {y}a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0",
        "square": f"M{x - 3} {y - 3}h6v6h-6z",
        "triangle": f"M{x} {y - 4}l4 7h-8z",
        "diamond": f"M{x} {y - 4.5}l4.5 4.5l-4.5 4.5l-4.5 -4.5z",
    }
    return tag("path", tag("title", title) if title else None, d=shapes[shape], class_="marker")
