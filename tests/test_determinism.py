"""What is found in a file depends on the project, and on nothing that was looked at before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from helpers import ROOT

from convdiag_lint.analysis import Analyser
from convdiag_lint.project.files import ProjectFiles

if TYPE_CHECKING:
    from pathlib import Path

PROJECTS = [
    folder
    for parent in (ROOT / "examples", ROOT / "examples" / "broken", ROOT / "tests" / "rules")
    for folder in sorted(parent.glob("*"))
    if folder.is_dir() and len(list(folder.rglob("*.py"))) > 1
]


@pytest.mark.parametrize("folder", PROJECTS, ids=lambda folder: folder.name)
def test_order_of_files_does_not_matter(folder: Path) -> None:
    names = ProjectFiles(folder).python
    if len(names) > 40:
        names = names[:40]
    alone = {name: Analyser(ProjectFiles(folder)).findings(name) for name in names}
    for order in (names, names[::-1]):
        shared = Analyser(ProjectFiles(folder))
        assert {name: shared.findings(name) for name in order} == alone


@pytest.mark.parametrize("folder", PROJECTS, ids=lambda folder: folder.name)
def test_findings_stand_in_the_file_that_was_asked_about(folder: Path) -> None:
    analyser = Analyser(ProjectFiles(folder))
    for name in analyser.files.python:
        assert {finding.path for finding in analyser.findings(name)} <= {name}
