"""The rest of the page: findings of the linter, files, notes, and the script's own last words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe.output.html_report import words
from runtime_probe.output.html_report.markup import Markup, join, table, tag
from runtime_probe.report import HEALTHY

if TYPE_CHECKING:
    from runtime_probe.report import Report


def findings(report: Report, folder: str) -> Markup | None:
    """Return what the linter said, and what the run says to that."""
    if not report.findings:
        return None
    lead = "What convdiag-lint says of the files that ran, and whether the run bears it out."
    rows: list[list[object]] = [
        [
            join(tag("b", item.code), " ", item.name),
            words.badge(item.verdict),
            tag("div", tag("p", words.shortened(item.reason, folder)), words.numbers(item.numbers)),
            tag(
                "div",
                words.at(item.path, item.line, folder),
                words.code_line(item.path, item.line),
                tag("p", item.message, class_="small"),
            ),
        ]
        for item in report.findings
    ]
    headers = ["Finding", "Verdict of the run", "Because", "Place"]
    return join(tag("p", lead, class_="lead"), table(headers, rows, "Findings of the linter", "findings"))


def files(report: Report) -> Markup | None:
    """Return what the script was kept from doing, and what it made."""
    record = report.record
    if record is None:
        return None
    lists = [
        join(tag("h3", title), tag("ul", *[tag("li", tag("code", line)) for line in lines], class_="plain"))
        for title, lines in (("Kept from", record.refused), ("Made by the script, and removed", record.created))
        if lines
    ]
    return join(*lists) if lists else None


def notes(report: Report, folder: str) -> Markup | None:
    """Return what to know when reading the rest."""
    restored = [
        f"phase {phase.name}: not put back: {what}"
        for phase in (report.record.phases if report.record is not None else [])
        for what in phase.not_restored
    ]
    lines = [*report.notes, *restored]
    return tag("ul", *[tag("li", words.shortened(line, folder)) for line in lines]) if lines else None


def last_words(report: Report) -> Markup | None:
    """Return the traceback, or what the script printed last where nothing could be judged."""
    crash = report.record.crash if report.record is not None else None
    said = crash.traceback or f"{crash.type}: {crash.message}" if crash is not None else report.output_tail
    if not said.strip() or (crash is None and report.exit_status == HEALTHY):
        return None
    label = "Traceback" if crash is not None else "Last lines of the script"
    return tag("div", tag("pre", said.strip("\n")), class_="wide", tabindex=0, role="region", aria_label=label)
