"""Gradient norms as a heat strip: a row for each parameter in the order of the forward pass, a column for each step."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

from runtime_probe import thresholds as t
from runtime_probe.output.html_report.axes import short
from runtime_probe.output.html_report.markup import Markup, join, scrolling, tag

if TYPE_CHECKING:
    from runtime_probe.record import ParameterRecord, Record

LOWEST, HIGHEST = -6, 3
"""Powers of ten between which colours differ."""
_MOST = 80
_LOW, _HIGH = t.GRADIENT_LOW, t.GRADIENT_HIGH


def section(record: Record) -> Markup | None:
    """Return the strip with its legend; None if no parameter was trained."""
    found = [p for p in record.parameters if p.optimizer is not None and p.requires_grad and p.norms]
    if not found:
        return None
    shown = sorted(_chosen(found), key=lambda p: (p.model, p.position < 0, p.position))
    steps = max(len(p.norms) for p in shown)
    lead = (
        "Norm of the gradient of each parameter at each step, unscaled and before clipping, in the order of the forward"
        " pass. Healthy is "
    )
    healthy = tag("span", f"{short(_LOW)} to {short(_HIGH)}", class_="nowrap")
    left_out = len(found) - len(shown)
    more = (
        f" {left_out} more parameters are not shown: those with the smallest and largest norms are." if left_out else ""
    )
    numbers = [tag("th", step, scope="col") for step in range(steps)]
    head = tag("tr", tag("th", "Parameter", scope="col"), *numbers, tag("th", "Largest", scope="col"))
    groups = [_group(record, model, list(own), steps) for model, own in itertools.groupby(shown, key=lambda p: p.model)]
    caption = tag("caption", "Gradient norms by parameter and step")
    heat = tag("table", caption, tag("thead", head), *groups, class_="heat", style=f"--steps:{steps}")
    return join(
        tag("p", lead, healthy, ", and roughly the same from layer to layer.", more, class_="lead"),
        _legend(),
        scrolling(heat, "Gradient norms by parameter and step"),
    )


def _chosen(found: list[ParameterRecord]) -> list[ParameterRecord]:
    """All, or of a large model the weights, or of a very large one the most extreme weights and some of the others."""
    if len(found) <= _MOST:
        return found
    wide = [p for p in found if len(p.shape) >= 2] or found
    if len(wide) <= _MOST:
        return wide
    by_norm = sorted(wide, key=_largest)
    kept = by_norm[: _MOST // 4] + by_norm[-_MOST // 4 :]
    rest = [p for p in wide if all(p is not other for other in kept)]
    return kept + rest[:: max(1, math.ceil(len(rest) / (_MOST // 2)))]


def _largest(parameter: ParameterRecord) -> float:
    return max((norm for norm in parameter.norms if math.isfinite(norm)), default=math.inf)


def _group(record: Record, model: int, own: list[ParameterRecord], steps: int) -> Markup:
    name = record.models[model].name if 0 <= model < len(record.models) else "outside any model"
    rows = [_row(parameter, steps) for parameter in own]
    if len(record.models) > 1 or model < 0:
        rows.insert(0, tag("tr", tag("th", name, scope="rowgroup", colspan=steps + 2, class_="model")))
    return tag("tbody", *rows)


def _row(parameter: ParameterRecord, steps: int) -> Markup:
    cells = [_cell(parameter, step, norm) for step, norm in enumerate(parameter.norms)]
    cells += [tag("td")] * (steps - len(cells))
    shape = "x".join(map(str, parameter.shape))
    name = tag("th", tag("bdi", parameter.name), scope="row", title=f"{parameter.name} {parameter.layer} {shape}")
    bad = next((norm for norm in parameter.norms if not math.isfinite(norm)), None)
    return tag("tr", name, *cells, tag("td", short(_largest(parameter) if bad is None else bad), class_="largest"))


def _cell(parameter: ParameterRecord, step: int, norm: float) -> Markup:
    kind, mark = shade(norm)
    title = f"{parameter.name}, step {step}: {short(norm)}"
    return tag("td", tag("span", mark, class_="mark"), class_=f"h {kind}", title=title)


def shade(norm: float) -> tuple[str, str]:
    """Return the class of a cell, and a mark that says without colour what is outside the healthy range."""
    if not math.isfinite(norm):
        return "hx", "\u2715"
    if norm == 0:
        return "h0", "0"
    power = math.floor(math.log10(norm)) if norm > 0 else LOWEST
    number = min(HIGHEST, max(LOWEST - 1, power)) - LOWEST + 1
    mark = "\u25be" if norm < _LOW else "\u25b4" if norm > _HIGH else ""
    return f"h{number + 1}", mark


def _legend() -> Markup:
    cells = [_key("h0", "0", "0")]
    for power in range(LOWEST - 1, HIGHEST + 1):
        kind, mark = shade(2 * 10.0**power)
        label = f"<1e{LOWEST}" if power < LOWEST else f"\u22651e{HIGHEST}" if power == HIGHEST else f"1e{power}"
        cells.append(_key(kind, mark, label))
    cells.append(_key("hx", "\u2715", "NaN, inf"))
    words = tag(
        "p",
        "\u25be below the healthy range, \u25b4 above it, 0 no gradient, \u2715 not finite. Each colour reaches from"
        " its number to the next.",
        class_="small",
    )
    return tag("div", tag("ul", *cells, class_="keys", aria_label="Colours of the heat strip"), words)


def _key(kind: str, mark: str, label: str) -> Markup:
    healthy = kind in {shade(2 * 10.0**power)[0] for power in range(-4, 0)}
    cell = tag("span", mark, class_=f"h {kind}", aria_hidden="true")
    return tag("li", cell, tag("span", label), class_="key healthy" if healthy else "key")
