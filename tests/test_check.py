"""The command, as a user calls it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from helpers import HEALTHY, NOT_TRAINING, SMELLY, STEP_LINE, convdiag

from convdiag_lint.cli import main


def check(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str, str]:
    status = main(["check", *args])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def findings(capsys: pytest.CaptureFixture[str], *args: str) -> list[dict[str, object]]:
    main(["check", "--format", "json", *args])
    found = json.loads(capsys.readouterr().out)
    assert isinstance(found, list)
    return found


def test_a_clean_file_exits_0(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("train.py").write_text(HEALTHY)
    assert check(capsys, "train.py") == (0, "No findings in 1 file.\n", "")


def test_findings_exit_1_and_name_file_line_column_code_and_source(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("train.py").write_text(SMELLY)
    status, out, err = check(capsys, "train.py")
    assert (status, err) == (1, "")
    lines = out.splitlines()
    assert lines[0] == "train.py"
    assert lines[1].startswith(f"  {STEP_LINE}:9  CVG101 ")
    assert lines[2] == f"      {STEP_LINE} | optimizer.step()"
    assert lines[3].strip().lstrip("| ").strip("^") == ""
    assert lines[-1] == "1 finding in 1 of 1 file."


def test_exit_zero_keeps_the_findings_and_drops_the_status(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("train.py").write_text(SMELLY)
    status, out, _ = check(capsys, "--exit-zero", "train.py")
    assert status == 0
    assert "CVG101" in out


def test_json_is_a_list_with_the_documented_keys(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("train.py").write_text(SMELLY)
    (item,) = findings(capsys, ".")
    wanted = "code name message path line column end_line end_column scope evidence unsure"
    assert set(item) == set(wanted.split())
    assert (item["code"], item["path"], item["line"]) == ("CVG101", "train.py", STEP_LINE)
    assert (item["column"], item["scope"], item["unsure"]) == (9, "train", False)
    assert all(set(each) == {"path", "line", "text"} for each in item["evidence"])


def test_json_of_clean_code_is_an_empty_list(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("train.py").write_text(NOT_TRAINING)
    assert findings(capsys, ".") == []


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["--select", "CVG101"], True),
        (["--select", "CVG1,CVG2"], True),
        (["--select", "CVG2"], False),
        (["--ignore", "CVG101"], False),
        (["--ignore", "CVG2"], True),
        (["--ignore", "CVG1", "--select", "CVG101"], True),
        (["--ignore", "CVG101", "--select", "CVG1"], False),
        (["--select", "CVG2", "--select", "CVG1"], True),
    ],
)
def test_the_longer_of_two_matching_codes_decides(
    project: Path, capsys: pytest.CaptureFixture[str], options: list[str], found: bool
) -> None:
    Path("train.py").write_text(SMELLY)
    assert bool(findings(capsys, *options, ".")) is found


def test_statistics_count_by_rule(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.py").write_text(SMELLY)
    Path("b.py").write_text(SMELLY)
    _, out, _ = check(capsys, "--statistics", ".")
    assert out.splitlines()[-1].split()[:2] == ["2", "CVG101"]


def test_statistics_do_not_disturb_json(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.py").write_text(SMELLY)
    _, out, err = check(capsys, "--statistics", "--format", "json", ".")
    assert len(json.loads(out)) == 1
    assert "CVG101" in err


def test_verbose_shows_evidence(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("train.py").write_text(SMELLY)
    (item,) = findings(capsys, ".")
    texts = [each["text"] for each in item["evidence"]]
    assert texts
    quiet = check(capsys, ".")[1]
    verbose = check(capsys, "--verbose", ".")[1]
    assert all(text in verbose for text in texts)
    assert len(verbose) > len(quiet)


def test_stdin_is_checked_under_its_name_and_among_its_neighbours(project: Path) -> None:
    Path("train.py").write_text(HEALTHY)
    args = ("check", "-", "--stdin-display-name", "train.py", "--format", "json")
    done = convdiag(*args, cwd=project, stdin=SMELLY.encode())
    assert [item["path"] for item in json.loads(done.stdout)] == ["train.py"]
    assert done.returncode == 1
    assert convdiag(*args, cwd=project, stdin=HEALTHY.encode()).returncode == 0
    assert convdiag(*args, cwd=project, stdin=b"").returncode == 0


def test_stdin_without_a_name(project: Path) -> None:
    done = convdiag("check", "-", cwd=project, stdin=SMELLY.encode())
    assert done.stdout.startswith("stdin\n")


def test_colour_is_for_terminals_only(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("train.py").write_text(SMELLY)
    assert "\x1b" not in check(capsys, ".")[1]


def test_paths_are_shown_as_they_were_given(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("pkg").mkdir()
    Path("pkg/train.py").write_text(SMELLY)
    assert findings(capsys, ".")[0]["path"] == "pkg/train.py"
    assert findings(capsys, "./pkg/train.py")[0]["path"] == "pkg/train.py"
    assert findings(capsys, str(project))[0]["path"] == str(project / "pkg/train.py")
    monkeypatch.chdir("pkg")
    assert findings(capsys, "..")[0]["path"] == "../pkg/train.py"


def test_a_file_named_twice_is_checked_once(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("train.py").write_text(SMELLY)
    assert len(findings(capsys, "train.py", ".", "./train.py")) == 1


def test_findings_do_not_depend_on_hash_seed_order_or_jobs(project: Path) -> None:
    names = [f"train_{number}.py" for number in range(12)]
    for name in names:
        Path(name).write_text(SMELLY)
    outputs = {
        convdiag(
            "check", "--no-cache", "--format", "json", *options, cwd=project,
            env={"PYTHONHASHSEED": seed},
        ).stdout
        for seed, options in [
            ("0", ["."]),
            ("1", [*reversed(names)]),
            ("2", ["-j", "2", "."]),
        ]
    }  # fmt: skip
    assert len(outputs) == 1
    assert len(json.loads(outputs.pop())) == len(names)


@pytest.mark.parametrize(
    "args",
    [
        [],
        ["check"],
        ["check", "--format", "xml", "."],
        ["check", "--select", "CVG9", "."],
        ["check", "--ignore", "E501", "."],
        ["check", "-j", "-1", "."],
        ["nonsense"],
    ],
)
def test_wrong_usage_exits_2(args: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(args)
    assert exit_.value.code == 2
    assert "error:" in capsys.readouterr().err.splitlines()[-1]


def test_help_names_every_exit_status_and_setting(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["check", "--help"])
    assert exit_.value.code == 0
    text = capsys.readouterr().out
    for word in ("[tool.convdiag]", "noqa", "exit status", "--show-unsure", "per-file-ignores"):
        assert word in text


def test_a_closed_pipe_is_no_traceback(project: Path) -> None:
    import subprocess
    import sys

    for number in range(30):
        Path(f"train_{number}.py").write_text(SMELLY)
    line = f"{sys.executable} -m convdiag_lint check . | head -1"
    done = subprocess.run(line, shell=True, capture_output=True, text=True, check=False)  # noqa: S602
    assert done.stderr == ""
    assert done.stdout == "train_0.py\n"


def test_explain_prints_what_why_example_and_fix(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "cvg101"]) == 0
    out = capsys.readouterr().out
    for heading in ("# CVG101 ", "## What it does", "## Why is this bad?", "## Example"):
        assert heading in out
    assert "## Use instead" in out


def test_explain_of_an_unknown_code_exits_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "CVG999"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_rules_lists_every_rule(capsys: pytest.CaptureFixture[str]) -> None:
    from convdiag_lint.rules import ALL

    assert main(["rules"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines] == [[rule.code, rule.name] for rule in ALL]
