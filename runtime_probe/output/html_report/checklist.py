"""The checklist in the order of the text that it comes from: symbol and word, number, place, remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe.checks.base import STEPS, Status
from runtime_probe.output.html_report import words
from runtime_probe.output.html_report.markup import Markup, join, tag

if TYPE_CHECKING:
    from runtime_probe.checks.base import Result
    from runtime_probe.report import Report


def section(report: Report) -> Markup | None:
    """Return the seven steps; None if nothing could be asked."""
    if report.record is None or not (report.record.backwards or report.failures):
        return None
    folder = report.record.folder
    parts = [_step(report, step, title, folder) for step, title in STEPS.items()]
    question = report.family.question
    return join(*parts, tag("p", tag("b", "Ask yourself: "), question, class_="question") if question else None)


def _step(report: Report, step: int, title: str, folder: str) -> Markup:
    own = [result for result in report.results if result.step == step]
    asked = [result for result in own if result.status is not Status.NOT_EXERCISED]
    idle = [result for result in own if result.status is Status.NOT_EXERCISED]
    heading = tag("h3", tag("span", step, class_="number"), " ", title)
    shown = _table(asked, title, folder) if asked else None
    hidden = None
    if idle:
        said = f"{len(idle)} not exercised"
        hidden = tag("details", tag("summary", said), _table(idle, f"{title}: not exercised", folder))
    return tag("div", heading, shown, hidden, class_="step")


def _table(results: list[Result], title: str, folder: str) -> Markup:
    names = ("Verdict", "Check", "What the run says")
    head = tag("tr", *[tag("th", tag("span", name, class_="hidden"), scope="col") for name in names])
    body = tag("tbody", *[_row(result, folder) for result in results])
    return tag("table", tag("caption", title, class_="hidden"), tag("thead", head), body, class_="checks")


def _row(result: Result, folder: str) -> Markup:
    serious = result.status in {Status.FAIL, Status.WARN}
    where = words.place(result.where, folder)
    line = words.code_line(result.where.path, result.where.line) if serious else None
    said = [
        tag("p", words.shortened(result.message, folder)),
        tag("p", tag("b", "Remedy: "), words.shortened(result.remedy, folder)) if result.remedy else None,
        tag("p", where, line) if where is not None else None,
        words.numbers(result.numbers, scalars=not serious),
    ]
    name = join(tag("span", result.title), " ", tag("code", result.check, class_="id"))
    return tag(
        "tr",
        tag("td", words.badge(result.status.value)),
        tag("th", name, scope="row"),
        tag("td", *said),
        class_=result.status.value.replace(" ", "-"),
    )
