"""The report for other programs: one JSON object."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from convdiag_lint import __version__

if TYPE_CHECKING:
    from runtime_probe.report import Report

_VERDICTS = {0: "healthy", 1: "failed", 2: "not judged"}


def as_object(report: Report) -> dict[str, Any]:
    """Return the report as plain data; NaN and infinity are the strings "nan", "inf" and "-inf"."""
    plain: dict[str, Any] = _plain(
        {
            "version": __version__,
            "exit_status": report.exit_status,
            "verdict": _VERDICTS[report.exit_status],
            "reason": report.reason,
            "next_action": report.next_action,
            "family": asdict(report.family),
            "ranks": report.ranks,
            "notes": report.notes,
            "results": [asdict(result) for result in report.results],
            "findings": [asdict(item) for item in report.findings],
            "causes": [asdict(cause) for cause in report.causes],
            "timeline": _timeline(report),
            "record": asdict(report.record) if report.record is not None else None,
        }
    )
    return plain


def _timeline(report: Report) -> dict[str, Any] | None:
    if report.timeline is None:
        return None
    return {
        "events": [
            {"kind": event.kind.value, "path": event.place.path, "line": event.place.line}
            for event in report.timeline.observed.events
        ],
        "predicted": report.timeline.expected,
        "disagreements": [asdict(item) for item in report.timeline.disagreements],
    }


def render(report: Report) -> str:
    """Return the report as JSON that every parser reads."""
    return json.dumps(as_object(report), indent=2, allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
    return value
