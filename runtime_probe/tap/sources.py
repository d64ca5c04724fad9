"""The source of a script, parsed once: what it says beside what is seen while it runs."""

from __future__ import annotations

import ast
import linecache
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_MOST_FILES, _LARGEST = 50, 500_000
"""Files of the script, and characters of one, that are read."""


def trees(paths: Iterable[str]) -> Iterator[tuple[str, ast.Module]]:
    """Yield the first files of a script, each with what it was parsed to; what is no Python is left out."""
    for path in list(paths)[:_MOST_FILES]:
        tree = parsed(path)
        if tree is not None:
            yield path, tree


@lru_cache(maxsize=2 * _MOST_FILES)
def parsed(path: str) -> ast.Module | None:
    """Return the tree of a file, or of what a notebook has run under its name; None where there is none."""
    try:
        text = "".join(linecache.getlines(path))
        return ast.parse(text) if 0 < len(text) < _LARGEST else None
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
