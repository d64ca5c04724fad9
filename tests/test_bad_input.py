"""Whatever stands in a file: one clear line, status 2, and the other files are still checked."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from helpers import HEALTHY, NOT_TRAINING, SMELLY, convdiag

from convdiag_lint.validity import problem_in

BAD = {
    "broken syntax": (b"def train(:\n    optimizer.step()\n", "syntax error"),
    "broken syntax in a file that trains nothing": (b"def f(:\n    pass\n", "syntax error"),
    "Python 2": (b"print 'loss'\noptimizer.step()\n", "syntax error"),
    "an unknown encoding": (b"# coding: klingon\noptimizer.step()\n", "unknown encoding"),
    "bytes that are not UTF-8": (b"x = '\xff\xfe'\noptimizer.step()\n", "utf-8"),
    "NUL bytes": (b"x = 1\noptimizer.step()\0\n", "NUL"),
    "UTF-16": ("optimizer.step()\n".encode("utf-16"), ""),
    "an unfinished string": (b"x = '''\noptimizer.step()\n", "syntax error"),
    "bad indentation": (b"if x:\noptimizer.step()\n", "syntax error"),
    "brackets in brackets": (b"x = " + b"(" * 30_000 + b")" * 30_000 + b"\nopt.step()\n", "nested"),
    "a long sum": (b"x = " + b"1 + " * 30_000 + b"1\noptimizer.step()\n", "nested"),
    "many elifs": (b"if a: pass\n" + b"elif b: pass\n" * 30_000 + b"opt.step()\n", "nested"),
    "deep blocks": (
        b"".join(b" " * n + b"if x:\n" for n in range(150)) + b" " * 150 + b"opt.step()\n",
        "indentation",
    ),
    "10 MB": (b"optimizer.step()\n" * 600_000, "larger than 2 MB"),
}
GOOD = {
    "an empty file": b"",
    "a comment": b"# optimizer.step()",
    "only line ends": b"\r\n\r\r\n",
    "a byte order mark": b"\xef\xbb\xbf" + HEALTHY.encode(),
    "latin-1": b"# -*- coding: latin-1 -*-\n# \xe9\n" + HEALTHY.encode(),
    "form feeds": b"\x0c\n" + HEALTHY.replace("\n\n\ndef", "\n\x0c\n\ndef").encode(),
    "a null-like text": b"x = '\\0'\n",
    "a module that calls itself": b"def step(opt):\n    opt.step()\n    step(opt)\n\nstep(step)\n",
}


@pytest.mark.parametrize("name", BAD)
def test_bad_bytes_are_one_line_and_status_2(project: Path, name: str) -> None:
    data, words = BAD[name]
    Path("bad.py").write_bytes(data)
    Path("good.py").write_text(SMELLY)
    done = convdiag("check", "--format", "json", ".", cwd=project)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert re.match(r"bad\.py(:\d+:\d+)?: error: ", line)
    assert words in line
    assert [item["path"] for item in json.loads(done.stdout)] == ["good.py"]


@pytest.mark.parametrize("name", GOOD)
def test_odd_but_valid_files_are_read(project: Path, name: str) -> None:
    Path("odd.py").write_bytes(GOOD[name])
    done = convdiag("check", "--select", "CVG2", "--ignore", "CVG2", "odd.py", cwd=project)
    assert (done.returncode, done.stderr) == (0, "")


def test_findings_of_a_file_in_latin_1_are_found(project: Path) -> None:
    Path("train.py").write_bytes(b"# coding: latin-1\n# \xe9\n" + SMELLY.encode())
    assert convdiag("check", "train.py", cwd=project).returncode == 1


def test_syntax_newer_than_this_python_is_not_an_error() -> None:
    # libcst knows it; Python 3.10 and 3.11 do not.
    assert problem_in(b"def first[T](items: list[T]) -> T: return items[0]\n") is None


def test_a_missing_path_is_one_line_and_status_2(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    Path("good.py").write_text(SMELLY)
    done = convdiag("check", "nosuch.py", "good.py", cwd=project)
    assert done.returncode == 2
    assert done.stderr == "nosuch.py: error: cannot be read: no such file or directory\n"
    assert "CVG101" in done.stdout


def test_a_directory_named_like_a_module_is_walked(project: Path) -> None:
    Path("x.py").mkdir()
    Path("x.py/train.py").write_text(SMELLY)
    for argument in (".", "x.py"):
        done = convdiag("check", argument, cwd=project)
        assert (done.returncode, done.stderr) == (1, "")


def test_links_to_folders_above_end(project: Path) -> None:
    Path("pkg").mkdir()
    Path("pkg/train.py").write_text(SMELLY)
    Path("pkg/again").symlink_to("..")
    done = convdiag("check", "--format", "json", ".", cwd=project)
    assert done.returncode == 1
    assert len(json.loads(done.stdout)) == 1


def test_a_link_to_itself_is_one_line(project: Path) -> None:
    Path("loop.py").symlink_to("loop.py")
    Path("gone.py").symlink_to("nowhere.py")
    Path("good.py").write_text(SMELLY)
    done = convdiag("check", ".", cwd=project)
    assert done.returncode == 2
    assert [line.split(":")[0] for line in done.stderr.splitlines()] == ["gone.py", "loop.py"]
    assert "CVG101" in done.stdout


def test_a_pipe_named_like_a_module_is_not_waited_for(project: Path) -> None:
    os.mkfifo("pipe.py")
    Path("good.py").write_text(SMELLY)
    done = convdiag("check", ".", cwd=project)
    assert done.returncode == 2
    assert done.stderr == "pipe.py: error: cannot be read: not a regular file\n"


@pytest.mark.skipif(os.geteuid() == 0, reason="root can read everything")
def test_an_unreadable_file_is_one_line(project: Path) -> None:
    Path("secret.py").write_text(SMELLY)
    Path("secret.py").chmod(0)
    done = convdiag("check", ".", cwd=project)
    assert done.returncode == 2
    assert done.stderr == "secret.py: error: cannot be read: permission denied\n"


def test_an_unreadable_file_is_one_line_even_for_root(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from convdiag_lint.cli import main

    original = Path.read_bytes

    def refuse(path: Path) -> bytes:
        if path.name == "secret.py":
            raise PermissionError(13, "Permission denied")
        return original(path)

    Path("secret.py").write_text(SMELLY)
    Path("good.py").write_text(SMELLY)
    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert main(["check", "."]) == 2
    captured = capsys.readouterr()
    assert captured.err == "secret.py: error: cannot be read: permission denied\n"
    assert "1 finding in 1 of 1 file, 1 file could not be checked." in captured.out


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (RecursionError("maximum recursion depth exceeded"), "too deeply nested"),
        (KeyError("oops\nsecond line"), "(KeyError: 'oops\\nsecond line', test_bad_input.py:"),
    ],
)
def test_a_defect_of_a_rule_is_one_line_for_that_file(
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: Exception,
    words: str,
) -> None:
    from convdiag_lint import analysis
    from convdiag_lint.cli import main

    original = analysis.Analyser.findings

    def fail(self: analysis.Analyser, path: str) -> list[object]:
        if path == "bad.py":
            raise error
        return original(self, path)

    Path("bad.py").write_text(SMELLY + "# another\n")
    Path("good.py").write_text(SMELLY)
    monkeypatch.setattr(analysis.Analyser, "findings", fail)
    assert main(["check", "."]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("bad.py: error: ")
    assert words in captured.err
    assert captured.err.count("\n") == 1
    assert "good.py" in captured.out


def test_modules_that_import_each_other_are_checked(project: Path) -> None:
    Path("a.py").write_text("from b import helper\n" + SMELLY)
    Path("b.py").write_text("from a import train\n\n\ndef helper(m, l):\n    train(m, l)\n")
    done = convdiag("check", ".", cwd=project)
    assert (done.returncode, done.stderr) == (1, "")


def test_names_that_would_disturb_a_terminal_are_escaped(project: Path) -> None:
    Path("a\x1b[31m\n.py").write_text("def f(:\n")
    done = convdiag("check", ".", cwd=project)
    assert done.stderr.count("\n") == 1
    assert "\x1b" not in done.stderr


def test_a_folder_without_python_says_so(project: Path) -> None:
    done = convdiag("check", ".", cwd=project)
    assert (done.returncode, done.stderr) == (0, "convdiag-lint: no Python files there\n")


def test_the_bad_file_does_not_stop_flake8(project: Path) -> None:
    from helpers import flake8

    Path("bad.py").write_bytes(BAD["broken syntax"][0])
    Path("good.py").write_text(SMELLY)
    Path("other.py").write_text(NOT_TRAINING)
    done = flake8("--isolated", "--select", "CVG", ".", cwd=project)
    assert "good.py" in done.stdout
    assert "Traceback" not in done.stderr
