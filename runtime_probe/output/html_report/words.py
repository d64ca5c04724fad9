"""Verdicts as symbol and word, places and numbers for people; shared by the sections."""

from __future__ import annotations

import linecache
import math
from typing import TYPE_CHECKING, Any

from runtime_probe.output.html_report.axes import short
from runtime_probe.output.html_report.markup import Markup, join, tag, text
from runtime_probe.report import relative

if TYPE_CHECKING:
    from runtime_probe.record import Where

_SYMBOLS = {
    "pass": "\u2713", "healthy": "\u2713", "refuted": "\u2713",
    "warn": "!", "confirmed": "!",
    "fail": "\u2717", "failed": "\u2717",
    "not exercised": "\u00b7", "not judged": "?",
}  # fmt: skip
_KINDS = {"healthy": "pass", "refuted": "pass", "confirmed": "warn", "failed": "fail", "not judged": "warn"}
_WIDEST = 200
"""Characters of a source line; longer ones are data."""
_MOST = 6


def badge(word: str) -> Markup:
    """Return a verdict: its symbol, which colour only repeats, and its word."""
    kind = _KINDS.get(word, word)
    symbol = tag("span", _SYMBOLS.get(word, "\u00b7"), aria_hidden="true", class_="symbol")
    return tag("span", symbol, " ", word, class_=f"badge {kind.replace(' ', '-') if kind in _SYMBOLS else 'other'}")


def place(where: Where, folder: str) -> Markup | None:
    """Return a line of the user's code, named from the script's folder; None where there is none."""
    return at(where.path, where.line, folder) if where.path else None


def at(path: str, line: int, folder: str) -> Markup:
    """Return path and line, breakable at the slashes."""
    parts = relative(path, folder).split("/")
    shown = Markup("/<wbr>").join(text(part) for part in parts)
    return tag("code", Markup(shown), f":{line}", class_="place")


def source(path: str, line: int) -> str:
    """Return a line of a source file without its indentation; empty if it cannot be read."""
    try:
        found = linecache.getline(path, line) if path.endswith(".py") and line > 0 else ""
    except (OSError, ValueError, SyntaxError):
        return ""
    stripped = found.strip()
    return stripped if len(stripped) <= _WIDEST else stripped[:_WIDEST] + " ..."


def code_line(path: str, line: int) -> Markup | None:
    """Return the source line for the page."""
    found = source(path, line)
    return tag("code", found, class_="source") if found else None


def shortened(message: str, folder: str) -> str:
    """Return a message whose files are named from the script's folder."""
    return message.replace(folder.rstrip("/") + "/", "") if folder.strip("/") else message


def numbers(values: dict[str, Any], *, scalars: bool = False) -> Markup | None:
    """Return what a verdict rests on, in small print; on request without lists."""
    kept = {k: v for k, v in values.items() if not (scalars and isinstance(v, (list, tuple, dict)))}
    if not kept:
        return None
    shown = [tag("span", f"{key.replace('_', ' ')} ", tag("b", _value(value))) for key, value in kept.items()]
    return tag("p", *[join(item, " ") for item in shown], class_="numbers")


def _value(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "unknown"}[value]
    if isinstance(value, float):
        return short(value) if not math.isfinite(value) or value != round(value) or abs(value) > 1e6 else f"{value:.0f}"
    if isinstance(value, (list, tuple)):
        more = ", ..." if len(value) > _MOST else ""
        return ", ".join(_value(item) for item in value[:_MOST]) + more
    if isinstance(value, dict):
        return _value([f"{key} {_value(item)}" for key, item in value.items()])
    return str(value)[:_WIDEST]
