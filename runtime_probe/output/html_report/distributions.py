"""Inputs, what reaches the first layers, and targets: range, mean and spread of each dimension."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runtime_probe import thresholds as t
from runtime_probe.checks.features import called
from runtime_probe.output.html_report import axes
from runtime_probe.output.html_report.axes import Axis, short
from runtime_probe.output.html_report.markup import Markup, join, scrolling, table, tag

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runtime_probe.record import Record, TensorStatistics

MOST = 64
"""Dimensions of one tensor; the rest is counted."""
_MOST_TENSORS = 12
_ROLES = {"model input": "Input of the model", "first layer": "At a first layer with weights", "target": "Target"}
_LEFT, _TOP, _BOTTOM, _INSIDE = 54, 14, 26, 150
_NARROWEST, _WIDEST, _ALL = 15, 32, 260
"""Pixels for one dimension, and for all of them where they are few."""


@dataclass(frozen=True, slots=True)
class Dimension:
    """The statistics of one feature."""

    number: int
    mean: float
    std: float
    low: float
    high: float
    score: float
    """Largest robust z-score."""

    @property
    def outlying(self) -> bool:
        """Whether its farthest value is one that the check of outliers would name."""
        distance = max(self.high - self.mean, self.mean - self.low)
        return self.score > t.OUTLIER_SCORE and distance > t.OUTLIER_DEVIATIONS * self.std > 0


def section(record: Record) -> Markup | None:
    """Return a figure for each tensor; None if none was described."""
    parts: list[Markup] = []
    unseen: list[str] = []
    for role, heading in _ROLES.items():
        own: list[TensorStatistics] = []
        for item in record.statistics:
            # The same labels for real and for made are one picture.
            if item.role == role and item.mean and item not in own:
                own.append(item)
        for item in own[:_MOST_TENSORS]:
            parts.append(_figure(item, heading, f"data-{len(parts)}"))
        if len(own) > _MOST_TENSORS:
            unseen.append(f"{heading}: {len(own) - _MOST_TENSORS} more are not shown.")
    if not parts:
        return None
    lead = (
        "Of the script's own batch. Thin line: smallest to largest value; bar: mean \u00b1 one standard deviation;"
        " shaded: \u22121 to 1, where normalized data lies; \u25c6 marks a dimension with an outlier."
    )
    rest = [tag("p", line, class_="small") for line in unseen]
    return join(tag("p", lead, class_="lead"), tag("div", *parts, class_="figures"), *rest)


def dimensions(item: TensorStatistics) -> list[Dimension]:
    """Return the features whose statistics are complete."""
    columns = zip(item.mean, item.std, item.minimum, item.maximum, strict=False)
    scores = item.outlier + [0.0] * (len(item.mean) - len(item.outlier))
    return [Dimension(i, *values, scores[i]) for i, values in enumerate(columns)]


def _figure(item: TensorStatistics, heading: str, name: str) -> Markup:
    found = dimensions(item)
    shown = found[:MOST]
    kind = "whole numbers" if item.integral and "float" in item.dtype else item.dtype
    bad = f", {item.nonfinite} not finite" if item.nonfinite else ""
    hidden = f"; the first {MOST} of {len(found)} dimensions" if len(found) > MOST else ""
    told = f"{called(item)}, {kind}, {item.rows} values a dimension{bad}{hidden}"
    caption = tag("figcaption", heading, tag("span", told, class_="small"))
    axis = axes.around_zero(value for d in shown for value in (d.low, d.high, d.mean - d.std, d.mean + d.std))
    scale = tag("p", f"Scale: {axis.kind}.", class_="small") if axis.kind != "linear" else None
    drawn = scrolling(_draw(item, shown, axis, name), called(item))
    numbers = tag("details", tag("summary", "Numbers of each dimension"), _numbers(item, shown))
    return tag("figure", caption, drawn, scale, numbers, class_="data")


def _draw(item: TensorStatistics, shown: list[Dimension], axis: Axis, name: str) -> Markup:
    slot = max(_NARROWEST, min(_WIDEST, _ALL // len(shown)))
    width, height = _LEFT + max(slot * len(shown) + 6, _ALL), _TOP + _INSIDE + _BOTTOM
    outlying = [d.number for d in shown if d.outlying]
    told = f"{len(shown)} dimensions between {short(min(d.low for d in shown))} and {short(max(d.high for d in shown))}"
    told += f"; outliers in dimension {', '.join(map(str, outlying))}" if outlying else "; no outliers"
    parts = [tag("title", called(item), id=f"{name}-title"), tag("desc", told, id=f"{name}-desc")]
    top, bottom = _y(axis, 1.0), _y(axis, -1.0)
    parts.append(tag("rect", x=_LEFT, y=top, width=width - _LEFT, height=round(bottom - top, 1), class_="band"))
    for place, label in axis.ticks:
        y = round(_TOP + _INSIDE * (1 - place), 1)
        parts.append(tag("line", x1=_LEFT, x2=width, y1=y, y2=y, class_="grid"))
        parts.append(tag("text", label, x=_LEFT - 6, y=y + 4, class_="end"))
    every = 1 if len(shown) <= 12 else 5
    for place, dimension in enumerate(shown):
        x = _LEFT + slot * (place + 0.5) + 3
        if dimension.number % every == 0:
            parts.append(tag("text", dimension.number, x=x, y=height - 8, class_="middle"))
        parts.append(tag("g", *_bar(dimension, x, slot, axis), class_="outlying" if dimension.outlying else None))
    labels = f"{name}-title {name}-desc"
    size = {"viewBox": f"0 0 {width} {height}", "width": width, "height": height}
    return tag("svg", *parts, class_="ranges", role="img", aria_labelledby=labels, **size)


def _bar(d: Dimension, x: float, slot: float, axis: Axis) -> Iterator[Markup]:
    yield tag(
        "title",
        f"dimension {d.number}: mean {short(d.mean)}, std {short(d.std)}, {short(d.low)} to {short(d.high)}"
        f"{f', an outlier {short(d.score)} robust deviations out' if d.outlying else ''}",
    )
    if not all(map(math.isfinite, (d.mean, d.std, d.low, d.high))):
        yield tag("text", "\u2715", x=x, y=_TOP + _INSIDE / 2, class_="middle")
        return
    # Invisible, and as wide as its place: the tooltip is easy to hit.
    yield tag("rect", x=x - slot / 2, y=_TOP, width=slot, height=_INSIDE, class_="hit")
    yield tag("line", x1=x, x2=x, y1=_y(axis, d.low), y2=_y(axis, d.high), class_="whisker")
    top, bottom = _y(axis, d.mean + d.std), _y(axis, d.mean - d.std)
    yield tag("rect", x=x - 4, y=top, width=8, height=max(1.5, round(bottom - top, 1)), class_="spread")
    mean = _y(axis, d.mean)
    yield tag("line", x1=x - 5.5, x2=x + 5.5, y1=mean, y2=mean, class_="mean")
    if d.outlying:
        far = d.high if d.high - d.mean >= d.mean - d.low else d.low
        y = _y(axis, far)
        yield tag("path", d=f"M{x} {y - 5}l5 5l-5 5l-5 -5z", class_="outlier")


def _y(axis: Axis, value: float) -> float:
    return round(_TOP + _INSIDE * (1 - axis.place(value)), 1)


def _numbers(item: TensorStatistics, shown: list[Dimension]) -> Markup:
    headers = ["Dimension", "Mean", "Std", "Min", "Max", "Robust z"]
    rows: list[list[object]] = [[d.number, *map(short, (d.mean, d.std, d.low, d.high, d.score))] for d in shown]
    return table(headers, rows, f"Statistics of {called(item)}", "numeric")
