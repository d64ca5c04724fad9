"""`# noqa`, by flake8's own rules and with its own code, so that both doors agree."""

from __future__ import annotations

import tokenize
from typing import TYPE_CHECKING

from convdiag_lint.lines import lines_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from convdiag_lint.events import Finding


def unsilenced(findings: Iterable[Finding], data: bytes) -> list[Finding]:
    """Return the findings of one file that no comment in its text silences."""
    found = list(findings)
    if not found or b"noqa" not in data.lower():
        return found
    # flake8 is imported only for files that mention noqa.
    from flake8.defaults import NOQA_FILE  # noqa: PLC0415
    from flake8.violation import Violation  # noqa: PLC0415

    lines = lines_of(data)
    if any(NOQA_FILE.match(line) for line in lines):
        return []
    searched = _searched(lines)

    def silenced(finding: Finding) -> bool:
        number = finding.line
        alone = lines[number - 1] if 0 < number <= len(lines) else ""
        text = searched.get(number, alone)
        violation = Violation(finding.code, finding.path, number, finding.column, finding.message, text)
        return bool(violation.is_inline_ignored(disable_noqa=False))

    return [finding for finding in found if not silenced(finding)]


def _searched(lines: list[str]) -> dict[int, str]:
    """By line number, the text in which flake8 looks for a comment.

    For a string that goes over several lines, and for lines joined by a backslash, this is all
    of them; within brackets each line speaks for itself.
    """
    text: dict[int, str] = {}
    first, last = len(lines) + 2, -1
    try:
        for token in tokenize.generate_tokens(iter(lines).__next__):
            if token.type in (tokenize.ENDMARKER, tokenize.DEDENT):
                continue
            first, last = min(first, token.start[0]), max(last, token.end[0])
            if token.type in (tokenize.NL, tokenize.NEWLINE):
                joined = "".join(lines[first - 1 : last])
                text.update(dict.fromkeys(range(first, last + 1), joined))
                first, last = len(lines) + 2, -1
    except (tokenize.TokenError, SyntaxError):
        return {}
    return text
