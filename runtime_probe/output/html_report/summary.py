"""The top of the page: verdict, next action, causes, and what was found to be the model, the loss, the batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe import diagnosis
from runtime_probe.checks.base import Status
from runtime_probe.output.html_report import words
from runtime_probe.output.html_report.markup import Markup, join, tag
from runtime_probe.report import relative

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runtime_probe.diagnosis import Cause
    from runtime_probe.record import Record, Where
    from runtime_probe.report import Report


def command(record: Record | None) -> str:
    """Return what was run, for the title."""
    if record is None or not record.argv:
        return "a run"
    first, *rest = record.argv
    return " ".join([relative(first, record.folder), *rest])


def banner(report: Report) -> Markup:
    """Return the verdict with one next action."""
    record = report.record
    folder = record.folder if record is not None else ""
    kind = report.status.replace(" ", "-")
    counts = ", ".join(
        f"{count} {word}" for status, word in _COUNTED.items() if (count := _count(report, status)) and report.results
    )
    action = report.next_action
    shown = tag("p", tag("b", "Next: "), words.shortened(action, folder), class_="next")
    parts = [
        tag(
            "p", words.badge(report.status), tag("span", counts, class_="counts") if counts else None, class_="verdict"
        ),
        tag("p", words.shortened(report.reason, folder)) if report.reason else None,
        _failures(report, folder),
        shown if action != report.reason else None,
    ]
    return tag("div", *parts, class_=f"banner {kind}")


_COUNTED = {
    Status.FAIL: "failed", Status.WARN: "with a warning", Status.PASS: "passed", Status.NOT_EXERCISED: "not exercised",
}  # fmt: skip


def _count(report: Report, status: Status) -> int:
    return sum(result.status is status for result in report.results)


def _failures(report: Report, folder: str) -> Markup | None:
    found = report.failures
    if not found:
        return None
    items = [tag("li", tag("b", r.check), ": ", words.shortened(r.message, folder)) for r in found]
    return tag("ul", *items, class_="failures")


_TRIED = (
    "The ten steps were repeated from the same start with one thing changed at a time. What that says for and against"
    " each cause; the likeliest comes first."
)


def causes(report: Report) -> Markup | None:
    """Return the ranked causes; None where no experiment named one."""
    found, record = report.causes, report.record
    if not found or record is None:
        return None
    lead = tag("p", _TRIED if record.phases else "The likeliest cause comes first.", class_="lead")
    items = [_cause(cause, record.folder) for cause in found]
    others = diagnosis.others_tried(record, found[0])
    also = tag("p", tag("b", "Also tried: "), "; ".join(others), ".") if others else None
    return join(lead, tag("ol", *items, class_="causes"), also)


def _cause(cause: Cause, folder: str) -> Markup:
    status = cause.status.value
    head = tag("h3", words.badge(status), " ", cause.check, " ", tag("span", cause.title, class_="quiet"))
    place = words.place(cause.where, folder)
    line = words.code_line(cause.where.path, cause.where.line)
    change = tag("p", tag("b", "Change: "), words.shortened(cause.change, folder)) if cause.change else None
    spot = tag("p", place, line) if place is not None else None
    return tag(
        "li",
        head,
        _evidence("For", cause.evidence_for, folder),
        _evidence("Against", cause.evidence_against, folder),
        change,
        spot,
    )


def _evidence(title: str, lines: list[str], folder: str) -> Markup | None:
    if not lines:
        return None
    items = [tag("li", words.shortened(line, folder)) for line in lines]
    return join(tag("p", title, class_="evidence"), tag("ul", *items))


def detected(report: Report, record: Record) -> Markup:
    """Return what nobody had to declare."""
    folder = record.folder
    pairs = [
        *_models(record),
        *_updates(record),
        *_data(report, record),
        ("Framework", record.framework),
        ("torch", record.torch),
        ("Folder", tag("code", folder) if folder else ""),
        ("Time", f"{record.seconds:.1f} s" if record.seconds else ""),
    ]
    rows = [tag("div", tag("dt", name), tag("dd", value)) for name, value in pairs if value]
    return tag("dl", *rows, class_="detected")


def _models(record: Record) -> Iterator[tuple[str, object]]:
    for model in record.models:
        frozen = "" if model.trainable == model.parameters else f" ({model.trainable:,} trained)"
        shown = join(f"{model.name}, {model.parameters:,} parameters{frozen}", _at(model.where, record.folder))
        yield "Model", shown


def _updates(record: Record) -> Iterator[tuple[str, object]]:
    for index, optimizer in enumerate(record.optimizers):
        rates = sorted({rate for step in record.series(index) for rate in step.rates} or set(optimizer.rates))
        shown = f"{rates[0]:.3g}" + (f" to {rates[-1]:.3g}" if len(rates) > 1 else "") if rates else "unknown"
        yield "Update", join(f"{optimizer.name}, learning rate {shown}", _at(optimizer.where, record.folder))
        losses = record.losses(index)
        loss = next((loss for step in record.series(index) for loss in step.losses), None)
        if losses and loss is not None:
            yield "Loss", join(f"{losses[0]:.4g} to {losses[-1]:.4g}", _at(loss.made_at, record.folder))
            backward = words.place(loss.where, record.folder)
            yield "Backward", backward if backward is not None else "outside your code"


def _data(report: Report, record: Record) -> Iterator[tuple[str, object]]:
    batch = record.batch
    if batch.size:
        cut = f" (of {batch.original})" if batch.original > batch.size else ""
        yield "Batch", f"{batch.size}{cut}, the same at every step"
    evidence = "; ".join(report.family.evidence)
    yield "Loss family", words.shortened(f"{report.family.name}: {evidence}", record.folder)
    if record.features.autocast:
        yield "Autocast", record.features.autocast
    if report.ranks > 1:
        yield "Ranks", f"{report.ranks}, merged into one checklist"


def _at(where: Where, folder: str) -> Markup | None:
    place = words.place(where, folder)
    return join(" ", place) if place is not None else None
