"""Verdicts can be read where torch is not installed, and cost no libcst where there is nothing to lint."""

from __future__ import annotations

from typing import TYPE_CHECKING

from helpers import ROOT, run

if TYPE_CHECKING:
    from pathlib import Path

CODE = """
import sys
from runtime_probe.record import Record
from runtime_probe.report import judge
from runtime_probe.output import json_, manual, terminal
json_.render(judge([Record(backwards=1)]))
assert not {"torch", "numpy", "libcst"} & sys.modules.keys()
"""


def test_neither_torch_nor_libcst_is_imported(tmp_path: Path) -> None:
    for name in ("torch", "numpy"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('imported')\n")
    done = run("-c", CODE, cwd=tmp_path, env={"PYTHONPATH": str(ROOT)})
    assert done.returncode == 0, done.stderr
