"""Findings for people: by file, with the line in question."""

from __future__ import annotations

import collections
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from convdiag_lint.engine import Report
    from convdiag_lint.events import Finding

_WIDEST = 160
"""Characters of a source line that are shown; longer ones are data."""


class Style:
    """Colours of a terminal, or none."""

    def __init__(self, *, colour: bool) -> None:
        self._colour = colour

    def _in(self, number: str, text: str) -> str:
        return f"\x1b[{number}m{text}\x1b[0m" if self._colour else text

    def strong(self, text: str) -> str:
        """A file's name."""
        return self._in("1", text)

    def code(self, text: str) -> str:
        """The code of a rule, and what marks its place."""
        return self._in("1;31", text)

    def quiet(self, text: str) -> str:
        """What surrounds the matter."""
        return self._in("2", text)


def render(reports: Sequence[Report], style: Style, *, verbose: bool = False) -> Iterator[str]:
    """Yield the lines of a report on all files; files without findings are left out."""
    for report in reports:
        if not report.findings:
            continue
        yield style.strong(printable(report.path))
        for finding in report.findings:
            yield from _finding(finding, report.lines, style, verbose=verbose)
        yield ""
    yield _summary(reports)


def statistics(reports: Iterable[Report]) -> Iterator[str]:
    """Yield one line for each rule that found something: how often, code, name."""
    counts = collections.Counter((finding.code, finding.name) for report in reports for finding in report.findings)
    for (code, name), count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        yield f"{count:5d}  {code}  {name}"


def problem(report: Report) -> str:
    """Return the one line that says why a file could not be checked."""
    reason = report.problem
    if reason is None:
        return ""
    place = f":{reason.line}:{reason.column}" if reason.line else ""
    return f"{printable(report.path)}{place}: error: {printable(reason.message)}"


def printable(text: str) -> str:
    """Return text that a terminal shows as one line, whatever a file's name or line holds."""
    return "".join(
        character if unicodedata.category(character)[0] != "C" else ascii(character)[1:-1] for character in text
    )


def _finding(finding: Finding, lines: Sequence[str], style: Style, *, verbose: bool) -> Iterator[str]:
    place = style.quiet(f"{finding.line}:{finding.column}")
    unsure = style.quiet(" (unsure)") if finding.unsure else ""
    yield f"  {place}  {style.code(finding.code)} {printable(finding.message)}{unsure}"
    yield from _excerpt(finding, lines, style)
    if verbose:
        for item in finding.evidence:
            where = style.quiet(f"{printable(item.path)}:{item.line}:")
            yield f"      {where} {printable(item.text)}"


def _excerpt(finding: Finding, lines: Sequence[str], style: Style) -> Iterator[str]:
    if not 0 < finding.line <= len(lines):
        return
    raw = lines[finding.line - 1].rstrip()
    text = raw.lstrip()
    indent = len(raw) - len(text)
    start = max(finding.column - 1 - indent, 0)
    end = finding.end_column - 1 - indent if finding.end_line == finding.line else len(text)
    end = max(min(end, len(text), _WIDEST), start + 1)
    number = str(finding.line)
    bar = style.quiet("|")
    shown = printable(text[:_WIDEST].replace("\t", " "))
    yield f"      {style.quiet(number)} {bar} {shown}"
    if start < _WIDEST:
        before = _width(text[:start])
        marked = _width(text[start:end]) or 1
        yield f"      {' ' * len(number)} {bar} {' ' * before}{style.code('^' * marked)}"


def _width(text: str) -> int:
    """Columns that text takes on a terminal."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _summary(reports: Sequence[Report]) -> str:
    found = sum(len(report.findings) for report in reports)
    failed = sum(report.problem is not None for report in reports)
    checked = _count(len(reports) - failed, "file")
    unread = f", {_count(failed, 'file')} could not be checked" if failed else ""
    if not found:
        return f"No findings in {checked}{unread}."
    files = sum(bool(report.findings) for report in reports)
    return f"{_count(found, 'finding')} in {files} of {checked}{unread}."


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
