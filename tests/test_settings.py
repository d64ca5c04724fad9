"""[tool.convdiag] in pyproject.toml."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers import SMELLY

from convdiag_lint.cli import main


def settings(text: str, folder: str = ".") -> None:
    Path(folder).mkdir(exist_ok=True)
    (Path(folder) / "pyproject.toml").write_text(f"[tool.convdiag]\n{text}\n")


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("", 1),
        ('select = ["CVG2"]', 0),
        ('ignore = ["CVG101"]', 0),
        ('ignore = ["CVG1"]\nselect = ["CVG101"]', 1),
        ('exclude = ["train.py"]', 0),
        ('per-file-ignores = { "train.py" = ["CVG101"] }', 0),
        ('per-file-ignores = { "t*.py" = ["CVG1"] }', 0),
        ('per-file-ignores = { "other.py" = ["CVG1"] }', 1),
    ],
)
def test_settings_decide_what_is_reported(project: Path, text: str, status: int) -> None:
    Path("train.py").write_text(SMELLY)
    settings(text)
    assert main(["check", "."]) == status


def test_the_nearest_file_with_the_table_counts(project: Path) -> None:
    settings('ignore = ["CVG1"]')
    settings("", "strict")
    Path("strict/deep").mkdir()
    Path("strict/deep/pyproject.toml").write_text("[project]\nname = 'x'\n")
    Path("strict/deep/train.py").write_text(SMELLY)
    Path("train.py").write_text(SMELLY)
    assert main(["check", "train.py"]) == 0
    assert main(["check", "strict"]) == 1


def test_options_come_before_settings(project: Path) -> None:
    Path("train.py").write_text(SMELLY)
    settings('ignore = ["CVG101"]')
    assert main(["check", "--ignore", "CVG2", "."]) == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("select = 'CVG1'", "select must be a list of strings"),
        ('select = ["XYZ"]', "no rule 'XYZ'"),
        ('selct = ["CVG1"]', "no setting 'selct'"),
        ("show-unsure = 1", "show-unsure must be true or false"),
        ("per-file-ignores = []", "per-file-ignores must be a table"),
        ('per-file-ignores = { "a.py" = ["E5"] }', "no rule 'E5'"),
        ("select = [", "not valid TOML"),
    ],
)
def test_bad_settings_are_one_line_and_status_2(
    project: Path, capsys: pytest.CaptureFixture[str], text: str, words: str
) -> None:
    Path("train.py").write_text(SMELLY)
    settings(text)
    assert main(["check", "."]) == 2
    err = capsys.readouterr().err
    assert "pyproject.toml" in err
    assert words in err
    assert err.count("\n") == 1


def test_a_table_that_is_no_table(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("pyproject.toml").write_text("[tool]\nconvdiag = 3\n")
    Path("train.py").write_text(SMELLY)
    assert main(["check", "."]) == 2
    assert "must be a table" in capsys.readouterr().err
