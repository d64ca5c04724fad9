"""From the files of a project to the findings in one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convdiag_lint.garbage import uncollected
from convdiag_lint.project.program import Program
from convdiag_lint.project.view import ModuleView
from convdiag_lint.reading.source import SourceError as SourceError
from convdiag_lint.rules import ALL

if TYPE_CHECKING:
    from convdiag_lint.events import Finding
    from convdiag_lint.project.files import ProjectFiles


class Analyser:
    """Findings of all rules, file by file; what was read of a neighbour is kept for the next."""

    def __init__(self, files: ProjectFiles) -> None:
        self.files = files
        self.program = Program(files)

    def findings(self, path: str) -> list[Finding]:
        """All findings in one file, unfiltered, the unsure ones marked.

        `path` is relative to the root of the project. Raises SourceError.
        """
        data = self.files.read(path)
        rules = [rule for rule in ALL if rule.concerns(data)]
        if not rules:
            return []
        self.program.work = 0
        with uncollected():
            view = ModuleView(self.program, self.program.modules.require(path))
            return sorted(finding for rule in rules for finding in rule.check(view))

    def has_read(self, path: str) -> bool:
        """Whether a file was read as Python on the way to another file's findings."""
        return self.program.modules.has_parsed(path)
