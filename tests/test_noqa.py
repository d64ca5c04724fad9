"""`# noqa` means to the command what it means to flake8."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest
from flake8.processor import FileProcessor
from flake8.violation import Violation
from helpers import SMELLY, STEP_LINE, flake8
from hypothesis import given
from hypothesis import strategies as st

from convdiag_lint.cli import main
from convdiag_lint.events import Finding
from convdiag_lint.lines import lines_of
from convdiag_lint.noqa import unsilenced

COMMENTS = {
    "# noqa": True,
    "# noqa: CVG101": True,
    "# noqa:CVG101": True,
    "# NOQA: CVG101": True,
    "# noqa: E501,CVG101": True,
    "# noqa: E501, CVG101": True,
    "# noqa: E501 CVG101": True,
    "# noqa: CVG1": True,
    "# noqa: CVG": None,
    "# noqa: CVG102": False,
    "# noqa: cvg101": None,
    "# noqa : CVG101": None,
    "#noqa": None,
    "# because # noqa: CVG101": True,
    "# noqa: CVG101 because the loss is bounded": True,
}
"""None where the versions of flake8 differ; equal to the one that is installed is all we ask."""


@pytest.mark.parametrize("comment", COMMENTS)
def test_a_comment_on_the_line(project: Path, comment: str) -> None:
    lines = SMELLY.splitlines()
    lines[STEP_LINE - 1] += f"  {comment}"
    Path("train.py").write_text("\n".join(lines) + "\n")
    by_flake8 = flake8("--isolated", "--select", "CVG", ".", cwd=project).returncode
    assert main(["check", "."]) == by_flake8
    if COMMENTS[comment] is not None:
        assert by_flake8 == (0 if COMMENTS[comment] else 1)


STATEMENTS = {
    "optimizer.step(  # noqa\n            None\n        )": "the line of the finding",
    "optimizer.step(\n            None\n        )  # noqa": "the end of a call in brackets",
    'optimizer.step(None if loss else """\n        """)  # noqa': "the end of a string",
    "optimizer.step \\\n            ()  # noqa": "lines joined by a backslash",
}


@pytest.mark.parametrize("statement", STATEMENTS, ids=STATEMENTS.values())
def test_a_comment_at_a_statement_of_several_lines(project: Path, statement: str) -> None:
    Path("train.py").write_text(SMELLY.replace("optimizer.step()", statement))
    by_flake8 = flake8("--isolated", "--select", "CVG", ".", cwd=project).returncode
    assert min(main(["check", "."]), 1) == by_flake8


@pytest.mark.parametrize("comment", ["# flake8: noqa", "#flake8: noqa", "# flake8: noqa: CVG101"])
def test_a_comment_for_the_whole_file(project: Path, comment: str) -> None:
    Path("train.py").write_text(f"{comment}\n{SMELLY}")
    by_flake8 = flake8("--isolated", "--select", "CVG", ".", cwd=project).returncode
    assert main(["check", "."]) == by_flake8


PIECES = st.sampled_from(
    [
        "x = 1", "f(a,", "b)", "'''text", "'''", '"""', "y = [", "]", "\\", "if x:", "    z = 2",
        "# noqa", "# noqa: CVG101", "  # NoQA:CVG1,E501", "# noqa: E501", "", "\t", "\x0c",
        "# flake8: noqa", "f'{a}'", "\ufeff", "\r",
    ]
)  # fmt: skip


@given(st.lists(st.lists(PIECES, max_size=3).map("  ".join), max_size=8).map("\n".join))
def test_any_text_is_silenced_where_flake8_silences_it(text: str) -> None:
    data = text.encode()
    lines = lines_of(data)
    options = argparse.Namespace(
        hang_closing=False, indent_size=4, max_line_length=79, max_doc_length=None, verbose=0,
        disable_noqa=False, stdin_display_name="stdin",
    )  # fmt: skip
    processor = FileProcessor("stdin", options, lines=list(lines))
    numbers = range(1, len(lines) + 1)
    found = [Finding("t.py", n, 1, n, 2, "CVG101", "name", "message", "scope") for n in numbers]
    expected = []
    if not processor.should_ignore_file():
        for number in numbers:
            searched = processor.noqa_line_for(number)
            alone = lines[number - 1] if searched is None else searched
            violation = Violation("CVG101", "t.py", number, 1, "message", alone)
            if not violation.is_inline_ignored(disable_noqa=False):
                expected.append(number)
    assert [finding.line for finding in unsilenced(found, data)] == expected


@given(st.binary(max_size=200))
def test_lines_of_any_bytes(data: bytes) -> None:
    text = "".join(lines_of(data))
    assert "\r" not in text
