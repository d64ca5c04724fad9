"""What a run does not import, it does not pay for."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers import NOT_TRAINING, SMELLY, run

COMMAND = """
import sys
from convdiag_lint.cli import main
status = main(sys.argv[1:])
"""
FLAKE8 = """
import sys
from flake8.main.cli import main
status = main(["--isolated", "--select", "CVG", "-j1", *sys.argv[2:]])
"""
REPORT = """
print("STATUS", status, file=sys.stderr)
print(*sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
print(*sorted(sys.modules), file=sys.stderr)
"""


def imported(project: Path, door: str, *args: str) -> tuple[int, set[str]]:
    """Exit status, and all modules that were imported."""
    done = run("-c", door + REPORT, "check", *args, cwd=project)
    *_, status, packages, modules = done.stderr.splitlines()
    return int(status.split()[1]), {*packages.split(), *modules.split()}


@pytest.mark.parametrize("door", [COMMAND, FLAKE8], ids=["command", "flake8"])
def test_torch_is_never_imported(project: Path, door: str) -> None:
    Path("train.py").write_text("import numpy\nimport torch\n\ntorch.manual_seed(0)\n" + SMELLY)
    # Modules of these names would be imported if anything of the project were.
    for name in ("torch", "numpy", "lightning", "transformers", "accelerate"):
        Path(f"{name}.py").write_text("raise SystemExit('imported')\n")
    status, modules = imported(project, door, "train.py")
    assert status == 1
    assert not {"torch", "numpy", "lightning", "transformers", "accelerate", "train"} & modules


@pytest.mark.parametrize("door", [COMMAND, FLAKE8], ids=["command", "flake8"])
def test_files_that_train_nothing_never_bring_the_analysis(project: Path, door: str) -> None:
    Path("util.py").write_text(NOT_TRAINING)
    Path("model.py").write_text("import torch\n\n\nclass Net(torch.nn.Module):\n    pass\n")
    status, modules = imported(project, door, ".")
    assert status == 0
    assert not {"libcst", "convdiag_lint.analysis"} & modules


@pytest.mark.parametrize("door", [COMMAND, FLAKE8], ids=["command", "flake8"])
def test_a_second_run_never_brings_the_analysis(project: Path, door: str) -> None:
    Path("train.py").write_text(SMELLY)
    assert "convdiag_lint.analysis" in imported(project, COMMAND, ".")[1]
    status, modules = imported(project, door, ".")
    assert status == 1
    assert "convdiag_lint.analysis" not in modules


def test_only_syntax_newer_than_this_python_needs_libcst(project: Path) -> None:
    Path("train.py").write_text(SMELLY)
    assert "libcst" not in imported(project, COMMAND, ".")[1]
    # `print` was a statement once: no Python that runs this reads it, so libcst is asked.
    Path("train.py").write_text(SMELLY + "print 1\n")
    assert "libcst" in imported(project, COMMAND, ".")[1]


def test_the_command_leaves_flake8_alone_where_no_comment_asks_for_it(project: Path) -> None:
    Path("train.py").write_text(SMELLY)
    assert "flake8" not in imported(project, COMMAND, ".")[1]


def test_naming_a_rule_does_not_bring_the_analysis(project: Path) -> None:
    Path("util.py").write_text(NOT_TRAINING)
    assert "convdiag_lint.analysis" not in imported(project, COMMAND, "--select", "CVG1", ".")[1]
