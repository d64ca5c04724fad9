"""The report as one HTML file that needs nothing else: no network, no scripts, no fonts."""

from __future__ import annotations

from importlib import resources
from string import Template
from typing import TYPE_CHECKING

from convdiag_lint import __version__
from runtime_probe.output.html_report import checklist, curves, distributions, endings, gradients, summary, timeline
from runtime_probe.output.html_report.markup import Markup, join, tag, text
from runtime_probe.report import NOT_JUDGED

if TYPE_CHECKING:
    from runtime_probe.report import Report


def render(report: Report) -> str:
    """Return the page; whatever comes from the script is text in it, never markup."""
    record = report.record
    folder = record.folder if record is not None else ""
    sections = [
        ("causes", "Likely causes", summary.causes(report)),
        ("detected", "Detected", summary.detected(report, record) if record is not None else None),
        ("checklist", "Checklist", checklist.section(report)),
        ("loss", "Loss and gradient norm", curves.section(report)),
        ("gradients", "Gradient norms by layer", gradients.section(record) if record is not None else None),
        ("data", "Inputs and targets", distributions.section(record) if record is not None else None),
        ("timeline", "One step, predicted and observed", timeline.section(report.timeline, folder)),
        ("findings", "Findings of the linter", endings.findings(report, folder)),
        ("files", "Files", endings.files(report)),
        ("notes", "Notes", endings.notes(report, folder)),
        ("last-words", "The script's own last words", endings.last_words(report)),
    ]
    shown = [(name, title, body) for name, title, body in sections if body]
    if report.exit_status == NOT_JUDGED:
        # What the script said comes first where it is all that there is.
        shown.sort(key=lambda part: part[0] != "last-words")
    what = summary.command(record)
    return Template(_resource("page.html")).substitute(
        title=text(f"{report.status}: {what}"),
        style=_resource("style.css"),
        command=tag("code", what),
        banner=summary.banner(report),
        contents=join(*[tag("li", tag("a", title, href=f"#{name}")) for name, title, _ in shown]),
        sections=join(*[_section(name, title, body) for name, title, body in shown]),
        version=text(__version__),
    )


def _section(name: str, title: str, body: Markup) -> Markup:
    return tag("section", tag("h2", title, id=f"{name}-heading"), body, id=name, aria_labelledby=f"{name}-heading")


def _resource(name: str) -> str:
    return resources.files("runtime_probe.output.html_report").joinpath(name).read_text(encoding="utf-8")
