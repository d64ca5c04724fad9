"""The command line: what a person types, and what comes back."""

from __future__ import annotations

from pathlib import Path

import pytest

from runtime_probe import cli


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "no command given"),
        (["--"], "no command given"),
        (["--stpes", "3", "train.py"], "--stpes"),
        (["--steps", "0", "train.py"], "from 1 up"),
        (["--timeout", "soon", "train.py"], "number of seconds"),
    ],
)
def test_wrong_usage(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == 2
    errors = capsys.readouterr().err
    assert message in errors
    assert errors.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.py"], "no such file: missing.py"),
        (["--json", "report.json", "train.py"], "report.json exists"),
        (["--json", "missing/report.json", "train.py"], "no such folder: missing"),
    ],
)
def test_what_is_said_before_anything_runs(
    work: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("train.py").write_text("raise AssertionError\n")
    Path("report.json").touch()
    assert cli.main(arguments) == 2
    errors = capsys.readouterr().err
    assert message in errors
    assert errors.count("\n") == 1


def test_options_end_where_the_command_begins() -> None:
    parsed = cli._parser().parse_args(["--steps", "3", "train.py", "--steps", "5", "--json", "x"])
    assert parsed.steps == 3
    assert parsed.json is None
    assert parsed.command == ["train.py", "--steps", "5", "--json", "x"]
    assert cli._parser().parse_args(["--", "--odd"]).command[-1] == "--odd"


def test_help_names_the_exit_statuses(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    text = capsys.readouterr().out
    assert "torchrun" in text
    assert "130" in text
    assert max(map(len, text.splitlines())) <= 100
