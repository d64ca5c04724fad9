"""The report in a few lines of text: for `print`, for a log, for the message of a failed test."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from runtime_probe.checks.base import Status
from runtime_probe.report import relative

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runtime_probe.checks.base import Result
    from runtime_probe.record import Record
    from runtime_probe.report import Report


def text(report: Report) -> str:
    """Return verdict, failed and warning lines with remedies, the course of the loss, and what passed."""
    verdict = report.status.upper() + (f": {report.reason}" if report.reason else "")
    lines = [f"convdiag: {verdict}", *problems([*report.failures, *report.warnings], report.record)]
    if report.record is not None:
        lines += _detected(report, report.record)
    passed = list(dict.fromkeys(result.check for result in report.results if result.status is Status.PASS))
    idle = {result.check for result in report.results if result.status is Status.NOT_EXERCISED}
    lines += textwrap.wrap(
        f"passed: {', '.join(passed) or 'none'}; not exercised: {len(idle)}", 112,
        initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False,
    )  # fmt: skip
    lines += [f"  note: {note}" for note in report.notes]
    return "\n".join(lines)


def problems(results: Iterable[Result], record: Record | None) -> Iterator[str]:
    """Yield a line for each result, and one with its place and remedy."""
    folder = record.folder if record is not None else ""
    for result in results:
        yield f"  {result.status.value.upper()} {result.check}: {result.message}"
        place = relative(str(result.where), folder) + ": " if result.where.path else ""
        if place or result.remedy:
            yield f"       {place}{result.remedy}"


def _detected(report: Report, record: Record) -> Iterator[str]:
    for model in record.models:
        yield f"  model: {model.name}, {model.parameters:,} parameters; family: {report.family.name}"
    for index, optimizer in enumerate(record.optimizers):
        losses = record.losses(index)
        if losses:
            yield f"  {optimizer.name}: loss {losses[0]:.4g} to {losses[-1]:.4g} in {len(losses) - 1} steps"
