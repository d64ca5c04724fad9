"""One iteration: what the linter predicted from the source beside what the run did, line by line."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from runtime_probe.output.html_report import words
from runtime_probe.output.html_report.markup import Markup, join, table, tag
from runtime_probe.timelines import COMPARED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convdiag_lint.events import Event
    from runtime_probe.timelines import Comparison

_Key = tuple[str, str, int]
_LONGEST = 60
"""Events of a prediction; every turn of a longer one is not tried."""


def section(compared: Comparison | None, folder: str) -> Markup | None:
    """Return the two timelines side by side; None if nothing was observed."""
    if compared is None or not compared.observed.events:
        return None
    if compared.expected and not compared.disagreements:
        lead = "The run did what the linter predicted from the source."
    elif compared.expected:
        count = len(compared.disagreements)
        lead = f"Prediction and run differ in {count} {'place' if count == 1 else 'places'}, marked below."
    else:
        lead = "The linter sees no update of this optimizer in your own files: a framework makes it. As it happened:"
    rows = [_row(compared, expected, happened, folder) for expected, happened in aligned(compared)]
    headers = ["Predicted", "Observed", "Source"] if compared.expected else ["Observed", "Source"]
    caption = "One iteration, from the fetching of a batch to the next"
    return join(tag("p", lead, class_="lead"), table(headers, rows, caption, "timeline"))


def aligned(compared: Comparison) -> Iterator[tuple[Event | None, Event | None]]:
    """Yield pairs of predicted and observed events in the order of both; None where one side has nothing."""
    happened = list(compared.observed.events)
    expected = _turned(list(compared.predicted.events) if compared.predicted is not None else [], happened)
    matcher = _matcher(expected, happened)
    for what, first, last, start, end in matcher.get_opcodes():
        if what == "equal":
            yield from zip(expected[first:last], happened[start:end], strict=True)
        else:
            yield from ((event, None) for event in expected[first:last])
            yield from ((None, event) for event in happened[start:end])


def _turned(expected: list[Event], happened: list[Event]) -> list[Event]:
    """Let a prediction begin where the observed iteration does: a loop is a ring, and that one began after a step."""
    if len(expected) > _LONGEST:
        return expected
    turns = [expected[first:] + expected[:first] for first in range(len(expected))]
    return max(turns, key=lambda turn: sum(b.size for b in _matcher(turn, happened).get_matching_blocks()), default=[])


def _matcher(expected: list[Event], happened: list[Event]) -> difflib.SequenceMatcher[_Key]:
    return difflib.SequenceMatcher(None, [_key(e) for e in expected], [_key(e) for e in happened], autojunk=False)


def _key(event: Event) -> _Key:
    return event.kind.value, event.place.path, event.place.line


def _row(compared: Comparison, expected: Event | None, happened: Event | None, folder: str) -> list[object]:
    event = happened or expected
    assert event is not None
    where = words.at(event.place.path, event.place.line, folder)
    source = join(where, words.code_line(event.place.path, event.place.line))
    done = event.kind.value if happened is not None else _missing(compared, event)
    if not compared.expected:
        return [done, source]
    if expected is not None:
        said: object = event.kind.value + (", under a condition" if happened is None and expected.guards else "")
    else:
        said = _surprising(compared, event)
    return [said, done, source]


def _surprising(compared: Comparison, event: Event) -> object:
    if event.kind not in COMPARED:
        return tag("span", "\u2013", title="the linter predicts no event of this kind")
    if any(d.observed and (d.kind.value, d.path, d.line) == _key(event) for d in compared.disagreements):
        return tag("span", "\u2260 not predicted", class_="differs")
    return tag("span", "elsewhere in the order", class_="quiet")


def _missing(compared: Comparison, event: Event) -> object:
    if any(not d.observed and (d.kind.value, d.path, d.line) == _key(event) for d in compared.disagreements):
        return tag("span", "\u2260 not observed", class_="differs")
    seen = {_key(other) for other in compared.observed.events}
    return tag("span", "elsewhere in the order" if _key(event) in seen else "did not happen", class_="quiet")
