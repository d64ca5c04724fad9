"""The door for flake8: one class, found by the entry point CVG."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from convdiag_lint import __version__
from convdiag_lint.reading.gate import may_train

if TYPE_CHECKING:
    import ast
    from collections.abc import Iterator, Sequence

    from convdiag_lint.engine import Checker, Result

_UNREAD = "CVG000"


class Plugin:
    """Checks one file; the files around it are read as far as its training step leads there.

    Everything that flake8 decides (which codes, which files, `# noqa`) is left to flake8.
    """

    name = "convdiag-lint"
    version = __version__

    def __init__(self, tree: ast.AST, filename: str, lines: Sequence[str]) -> None:
        # flake8 calls a plugin that names `tree` once for each file that is valid Python.
        self._filename = filename
        self._text = "".join(lines)

    def run(self) -> Iterator[tuple[int, int, str, type[Any]]]:
        """Yield line, column (from 0, flake8 adds 1), message and class for each finding."""
        if not may_train(self._text.encode("utf-8", "surrogateescape")):
            return
        from convdiag_lint.garbage import uncollected  # noqa: PLC0415 - only files that may train need it

        with uncollected(forever=True):
            result = self._result()
        if result.problem:
            yield (
                max(result.problem.line, 1),
                max(result.problem.column - 1, 0),
                f"{_UNREAD} {result.problem.message}",
                type(self),
            )
        for finding in result.findings:
            if not finding.unsure:
                text = f"{finding.code} {finding.message}"
                yield finding.line, finding.column - 1, text, type(self)

    def _result(self) -> Result:
        checker = _checker(os.getcwd())
        if not _on_disk(checker, self._filename, self._text):
            checker.put(self._filename, _encoded(self._text))
        return checker.full(self._filename)


@lru_cache(maxsize=1)
def _checker(here: str) -> Checker:
    """The checker of this process, which keeps what it has read from file to file."""
    from convdiag_lint.cache import Cache  # noqa: PLC0415 - only files that may train need these
    from convdiag_lint.engine import Checker  # noqa: PLC0415

    return Checker(None if os.environ.get("CONVDIAG_NO_CACHE") else Cache())


def _on_disk(checker: Checker, filename: str, text: str) -> bool:
    """Whether the text is the file's, and not standard input under its name."""
    from convdiag_lint.lines import lines_of  # noqa: PLC0415

    try:
        return "".join(lines_of(checker.read(filename))) == text
    except OSError:
        return False


def _encoded(text: str) -> bytes:
    from convdiag_lint.lines import encoding_of  # noqa: PLC0415

    encoding = encoding_of(text.encode("utf-8", "surrogateescape"))
    try:
        return text.encode(encoding)
    except (UnicodeError, LookupError):
        return text.encode("utf-8", "replace")
