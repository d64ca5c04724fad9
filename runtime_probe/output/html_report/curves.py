"""The losses of the ten steps and of the phases, and the gradient norms beside them."""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING

from runtime_probe import thresholds as t
from runtime_probe.output.html_report import chart, words
from runtime_probe.output.html_report.axes import short
from runtime_probe.output.html_report.chart import Chart, Curve, Level
from runtime_probe.output.html_report.markup import Markup, join, table, tag

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runtime_probe.record import Record
    from runtime_probe.report import Report


def section(report: Report) -> Markup | None:
    """Return loss and gradient norm of each optimizer; None if there was no step."""
    record = report.record
    if record is None:
        return None
    parts = [part for index in range(len(record.optimizers)) for part in _optimizer(report, record, index)]
    if not parts:
        return None
    lead = [tag("p", "Every step saw the same batch and the same random draws.", class_="lead")]
    if not report.family.measures_progress:
        lead.append(tag("p", f"A loss of this family ({report.family.name}) does not measure progress.", class_="lead"))
    return join(*lead, *parts)


def _optimizer(report: Report, record: Record, index: int) -> Iterator[Markup]:
    losses = record.losses(index)
    if not losses:
        return
    optimizer = record.optimizers[index]
    curves = [Curve("baseline", losses), *_changed(record, index)]
    several = len(record.optimizers) > 1
    if several:
        yield tag("h3", f"{optimizer.name} ", words.place(optimizer.where, record.folder))
    title = f"Loss of {optimizer.name}" if several else "Loss"
    drawn = Chart(title, _told(curves), "loss", curves, name=f"loss-{index}", x_name="updates made")
    norms = _norms(record, index)
    figures = [_figure(chart.draw(drawn), title, _legend(record, index, curves))]
    if norms is not None:
        healthy = f" before clipping; shaded: healthy, {short(t.GRADIENT_LOW)} to {short(t.GRADIENT_HIGH)}"
        caption = join("Total gradient norm", tag("span", healthy, class_="small"))
        figures.append(_figure(chart.draw(norms), caption, None))
    yield tag("div", *figures, class_="figures")
    yield tag("details", tag("summary", "The numbers of these curves"), _numbers(record, index, curves))


def _figure(svg: Markup, caption: object, legend: Markup | None) -> Markup:
    return tag("figure", tag("figcaption", caption), svg, legend)


def _changed(record: Record, index: int) -> list[Curve]:
    """What else was run from the same start."""
    found = [(phase.name, phase.losses) for phase in record.phases if _optimizer_of(record, phase.name) == index]
    zeroed = record.experiments.zeroed
    if index == 0 and zeroed and all(name != "inputs zeroed" for name, _ in found):
        found.append(("inputs zeroed", zeroed))
    return [Curve(name, values, style) for style, (name, values) in enumerate(found, 1)]


def _optimizer_of(record: Record, phase: str) -> int:
    """The optimizer whose losses a phase has."""
    return next((step.optimizer for step in record.steps if step.phase == phase), 0)


def _told(curves: Sequence[Curve]) -> str:
    return "; ".join(f"{curve.name} from {short(c[0])} to {short(c[-1])}" for curve in curves if (c := curve.values))


def _legend(record: Record, index: int, curves: list[Curve]) -> Markup:
    predicted = {phase.name: phase.predicted for phase in record.phases}
    predicted["baseline"] = [step.predicted for step in record.series(index)]
    rows: list[list[object]] = []
    for curve in curves:
        values = curve.values
        ends = f"{short(values[0])} to {short(values[-1])}" if values else ""
        name = tag("span", chart.swatch(curve.style), " ", curve.name, class_="entry")
        rows.append([name, ends, _gain(values, predicted.get(curve.name, []))])
    return table(
        ["Run", "Loss", "Gain"], rows, "Legend. Gain: decrease of the loss over what the gradient predicts", "legend"
    )


def _gain(losses: Sequence[float], predicted: Sequence[float]) -> str:
    ratios = [
        (before - after) / expected
        for before, after, expected in zip(losses, losses[1:], predicted, strict=False)
        if expected and math.isfinite(expected) and math.isfinite(before - after)
    ]
    return f"{statistics.median(ratios):.2g}" if ratios else "\u2013"


def _norms(record: Record, index: int) -> Chart | None:
    norms = [step.grad_norm for step in record.series(index)]
    if not any(norm > 0 for norm in norms):
        return None
    own = [phase for phase in record.phases if _optimizer_of(record, phase.name) == index]
    # Zero has no place on a logarithmic axis: a gap, as for what is not finite.
    curves = [Curve("baseline", norms)]
    curves += [Curve(phase.name, phase.grad_norms, style) for style, phase in enumerate(own, 1) if phase.grad_norms]
    limits = {clip.limit for step in record.series(index) for clip in step.clips if clip.limit > 0}
    levels = [Level(f"clip limit {short(limit)}", limit) for limit in sorted(limits)[:1]]
    healthy = (t.GRADIENT_LOW, t.GRADIENT_HIGH)
    told = f"healthy range {short(healthy[0])} to {short(healthy[1])}; {_told(curves)}"
    name = f"norm-{index}"
    return Chart("Total gradient norm", told, "gradient norm", curves, levels, healthy, log=True, name=name)


def _numbers(record: Record, index: int, curves: list[Curve]) -> Markup:
    steps = record.series(index)
    headers = ["Step", *(f"Loss, {curve.name}" for curve in curves), "Gradient norm", "Update norm", "Learning rate"]
    rows: list[list[object]] = []
    for number in range(max(len(curve.values) for curve in curves)):
        row: list[object] = [number]
        row += [_exact(curve.values[number]) if number < len(curve.values) else "" for curve in curves]
        if number < len(steps):
            step = steps[number]
            rates = ", ".join(short(rate) for rate in sorted(set(step.rates))[:3])
            row += [short(step.grad_norm), short(step.update_norm) + (" (skipped)" if step.skipped else ""), rates]
        else:
            row += ["", "", ""]
        rows.append(row)
    return table(headers, rows, "Losses before each step, and after the last", "numeric")


def _exact(value: float) -> str:
    return f"{value:.6g}"
