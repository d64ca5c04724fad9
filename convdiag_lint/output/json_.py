"""Findings for other programs."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from convdiag_lint.engine import Report


def render(reports: Iterable[Report]) -> str:
    """Return a JSON list with one object for each finding, in order of files and lines."""
    items = [asdict(finding) for report in reports for finding in report.findings]
    return json.dumps(items, indent=2)
