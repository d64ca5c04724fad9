from __future__ import annotations

import dataclasses
import io
import json
import math

import pytest
from building import falling, healthy, mse, series
from rich.console import Console

from runtime_probe.output import json_, terminal
from runtime_probe.record import Crash, NonFinite, Record, Where
from runtime_probe.report import judge

BAD = healthy(
    steps=series([2.0, math.nan, *[math.inf] * 9], cleared=False),
    broadcasts=[mse(function="subtract", input_shape=[4, 1], target_shape=[4])],
    nonfinite=[NonFinite("loss", 1, "nan", operation="log")],
    refused=["overwriting checkpoints/best.pt", "a hostile name \x1b[31m[bold]"],
    created=["runs/events.out"],
)


def page(
    record: Record | None, *, width: int = 80, encoding: str = "utf-8", colour: bool = False, verbose: bool = False
) -> str:
    written = io.BytesIO()
    stream = io.TextIOWrapper(written, encoding=encoding)
    console = Console(file=stream, width=width, force_terminal=colour, no_color=not colour)
    terminal.render(judge([] if record is None else [record], "last words\n"), console, verbose=verbose)
    stream.flush()
    return written.getvalue().decode(encoding)


@pytest.mark.parametrize("record", [healthy(), BAD], ids=["healthy", "bad"])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
def test_eighty_columns_without_colour(record: Record, encoding: str) -> None:
    text = page(record, encoding=encoding)
    assert max(map(len, text.splitlines())) <= 80
    assert "\x1b" not in text


def test_failures_come_first_with_one_next_action() -> None:
    lines = page(BAD).splitlines()
    assert lines[0] == "convdiag-probe: FAILED: 3 checks, 0 warnings"
    assert "FAIL gradients-not-cleared" in lines[1]
    assert sum(line.startswith("Next:") for line in lines) == 1
    assert next(i for i, line in enumerate(lines) if line.startswith("Next:")) < lines.index("Detected")


def test_what_was_not_judged_has_a_reason_and_no_remedy_for_something_else() -> None:
    lines = page(healthy(backwards=0, steps=[], crash=Crash("OSError", "no data", "Traceback"))).splitlines()
    assert lines[0] == "convdiag-probe: NOT JUDGED"
    assert not any(line.startswith("Next:") for line in lines)


def test_a_place_without_a_remedy_has_no_colon() -> None:
    report = judge([BAD])
    report.results = [dataclasses.replace(r, where=Where("train.py", 85), remedy="") for r in report.results]
    stream = io.StringIO()
    terminal.render(report, Console(file=stream, width=80))
    shown = stream.getvalue()
    assert "         train.py:85\n" in shown
    assert "train.py:85:\n" not in shown


def test_words_beside_symbols_and_steps_in_order() -> None:
    text = page(healthy())
    assert "\u2713 pass" in text
    places = [text.index(f"\n{step} ") for step in range(1, 8)]
    assert places == sorted(places)


def test_what_was_detected() -> None:
    text = page(healthy())
    for words in (
        "SmallPolicy, 12,345 parameters (train.py:5)",
        "Adam, learning rate 0.001 (train.py:22)",
        "4 (of 64)",
    ):
        assert words in text
    assert "2 to 1.197 (train.py:20)" in text
    assert "supervised: mse_loss" in text


def test_ascii_where_the_stream_knows_no_more() -> None:
    text = page(BAD, encoding="ascii")
    assert "x FAIL" in text
    assert text.isascii()


def test_names_cannot_paint_the_terminal() -> None:
    text = page(BAD)
    assert "\\x1b[31m[bold]" in text
    assert "runs/events.out" in text


def test_not_exercised_is_one_line_a_step_unless_asked() -> None:
    assert "not exercised: Observations and actions in time" in page(healthy())
    assert "the batch carries no timestamps" in page(healthy(), verbose=True)


def test_colour_where_the_terminal_has_it() -> None:
    assert "\x1b[" in page(healthy(), colour=True)


def test_a_crash_before_the_first_step_shows_the_traceback() -> None:
    text = page(Record(status="crashed", crash=Crash("KeyError", "'x'", "Traceback: KeyError: 'x'")))
    assert text.startswith("convdiag-probe: NOT JUDGED")
    assert "Traceback: KeyError: 'x'" in text
    assert "last words" in page(None)


@pytest.mark.parametrize(
    ("values", "line"),
    [([0.0, 1.0], "\u2581\u2588"), ([1.0, 1.0], "\u2581\u2581"), ([math.nan, math.inf, 2.0], "?^\u2581"), ([], "")],
)
def test_sparkline(values: list[float], line: str) -> None:
    assert terminal.sparkline(values) == line
    assert terminal.sparkline(values, plain=True).isascii()


@pytest.mark.parametrize("record", [healthy(), BAD, Record()], ids=["healthy", "bad", "empty"])
def test_json_is_one_object_that_every_parser_reads(record: Record) -> None:
    def no_constant(name: str) -> float:
        raise AssertionError(name)

    value = json.loads(json_.render(judge([record])), parse_constant=no_constant)
    assert set(value) == {
        "version", "exit_status", "verdict", "reason", "next_action", "family", "ranks", "notes", "results", "findings",
        "causes", "timeline", "record",
    }  # fmt: skip
    assert {"step", "check", "title", "status", "message", "where", "remedy", "numbers"} == set(value["results"][0])


def test_json_without_any_record() -> None:
    value = json.loads(json_.render(judge([])))
    assert (value["exit_status"], value["record"]) == (2, None)


def test_nan_in_json_is_a_word() -> None:
    value = json.loads(json_.render(judge([BAD])))
    assert [step["loss"] for step in value["record"]["steps"][:3]] == [2.0, "nan", "inf"]


def test_a_page_of_a_wide_terminal_stays_readable() -> None:
    assert max(map(len, page(healthy(steps=series(falling())), width=300).splitlines())) <= 100
