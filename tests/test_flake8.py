"""The same findings through flake8, run as a process of its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from helpers import CLIP, HEALTHY, NOT_TRAINING, SMELLY, STEP, STEP_LINE, convdiag, flake8

AT = f"{STEP_LINE}:9: CVG101 "


def found(project: Path, *args: str, stdin: bytes = b"") -> list[str]:
    done = flake8("--isolated", *args, cwd=project, stdin=stdin)
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_it_is_on_by_default_and_the_column_is_right(project: Path) -> None:
    Path("train.py").write_text(SMELLY)
    (line,) = found(project, "train.py")
    assert line.startswith(f"train.py:{AT}")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--select", "CVG"], 1),
        (["--select", "CVG1"], 1),
        (["--select", "CVG101"], 1),
        (["--select", "CVG2"], 0),
        (["--extend-ignore", "CVG101"], 0),
        (["--extend-ignore", "CVG2"], 1),
        (["--extend-select", "CVG101"], 1),
        (["--per-file-ignores", "train.py:CVG101"], 0),
        (["--per-file-ignores", "other.py:CVG101"], 1),
        (["-j", "2"], 1),
    ],
)
def test_flake8_decides_what_is_reported(project: Path, options: list[str], expected: int) -> None:
    Path("train.py").write_text(SMELLY)
    Path("util.py").write_text(NOT_TRAINING)
    assert len(found(project, *options, ".")) == expected


def test_settings_of_flake8_name_the_codes(project: Path) -> None:
    Path("train.py").write_text(SMELLY)
    Path(".flake8").write_text("[flake8]\nextend-ignore = CVG101\n")
    assert flake8(".", cwd=project).stdout == ""


def test_noqa_and_disable_noqa(project: Path) -> None:
    Path("train.py").write_text(SMELLY.rstrip() + "  # noqa: CVG101\n")
    assert found(project, ".") == []
    assert len(found(project, "--disable-noqa", ".")) == 1


def test_workers_find_what_one_process_finds(project: Path) -> None:
    for number in range(8):
        Path(f"train_{number}.py").write_text(SMELLY if number % 2 else HEALTHY)
    alone = found(project, "-j1", ".")
    assert len(alone) == 4
    assert sorted(found(project, "-j2", ".")) == sorted(alone)


def test_standard_input_is_what_is_checked(project: Path) -> None:
    Path("train.py").write_text(HEALTHY)
    assert found(project, "-", stdin=SMELLY.encode())[0].startswith(f"stdin:{AT}")
    name = ["--stdin-display-name", "train.py"]
    assert found(project, *name, "-", stdin=SMELLY.encode())[0].startswith(f"train.py:{AT}")
    Path("train.py").write_text(SMELLY)
    assert found(project, *name, "-", stdin=HEALTHY.encode()) == []


def test_neighbours_are_read(project: Path) -> None:
    call = "        prepare(model)\n"
    Path("train.py").write_text("from helper import prepare\n" + SMELLY.replace(STEP, call + STEP))
    Path("helper.py").write_text("def prepare(model):\n    pass\n")
    assert len(found(project, "--select", "CVG", "train.py")) == 1
    Path("helper.py").write_text(f"import torch\n\n\ndef prepare(model):\n    {CLIP.strip()}\n")
    assert found(project, "--select", "CVG", "train.py") == []


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbf" + SMELLY.encode(),
        SMELLY.replace("\n", "\r\n").encode(),
        b"# coding: latin-1\n# \xe9\n" + SMELLY.encode(),
        b"# \xc3\xa9\n" + SMELLY.replace("loss", "verlust_\u00e4").encode(),
    ],
    ids=["byte order mark", "CRLF", "latin-1", "letters beyond ASCII"],
)
def test_places_are_the_same_as_the_command_gives(project: Path, data: bytes) -> None:
    Path("train.py").write_bytes(data)
    done = convdiag("check", "--format", "json", ".", cwd=project)
    (item,) = json.loads(done.stdout)
    for lines in (
        found(project, "--select", "CVG", "train.py"),
        found(project, "--select", "CVG", "--stdin-display-name", "train.py", "-", stdin=data),
    ):
        (line,) = lines
        assert line == f"train.py:{item['line']}:{item['column']}: CVG101 {item['message']}"


def test_flake8_names_the_plugin_among_its_own(project: Path) -> None:
    assert "convdiag-lint: 0." in flake8("--version", cwd=project).stdout
