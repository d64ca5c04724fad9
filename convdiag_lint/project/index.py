"""Names of the project's functions that act on a training step, found without parsing."""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING

from convdiag_lint.reading.scan import called

if TYPE_CHECKING:
    from convdiag_lint.project.files import ProjectFiles

_DEFINITION = re.compile(rb"def[ \t]+(\w+)")
_ACTS = (
    b".step(", b"backward(", b"clip_grad", b"zero_grad", b"isnan", b"isinf", b"isfinite", b"detect_anomaly",
    b"_assert_async", b"unscale_",
)  # fmt: skip
_GRADIENT = re.compile(rb"\.grad\b")
_LEVELS = 3
_COMMON = frozenset(
    b"__init__ get set add append update items keys values copy format join print len range str int float list dict"
    b" super main run forward __call__ to reset".split()
)


class Index:
    """Which function names, anywhere in the project, lead to code that acts on a training step."""

    def __init__(self, files: ProjectFiles) -> None:
        self._files = files

    @cached_property
    def acting(self) -> frozenset[str]:
        """Names of functions that act on gradients, losses or optimizers, or call one that does."""
        found: set[bytes] = set()
        bodies: list[tuple[bytes, bytes]] = []
        for path in self._files.python:
            data = self._files.read(path)
            found_at = ((match.start(), match.group(1)) for match in _DEFINITION.finditer(data))
            starts = [(start, name) for start, name in found_at if _begins_line(data, start)]
            ends = [*(start for start, _ in starts), len(data)][1:]
            named = [(name, data[start:end]) for (start, name), end in zip(starts, ends, strict=True)]
            if _acts(data):
                found.update(name for name, body in named if _acts(body))
            bodies += named
        found -= _COMMON
        calls = [(name, called(body) - {name}) for name, body in bodies if name not in found and name not in _COMMON]
        for _ in range(_LEVELS):
            more = {name for name, below in calls if not found.isdisjoint(below)}
            if more <= found:
                break
            found |= more
        return frozenset(name.decode("utf-8", "replace") for name in found)


def _acts(data: bytes) -> bool:
    # Ten searches for plain words take less than one for a choice of them.
    return any(word in data for word in _ACTS) or (b".grad" in data and _GRADIENT.search(data) is not None)


def _begins_line(data: bytes, start: int) -> bool:
    # Asked of each place, for a pattern that begins with the line's start is tried at every letter.
    before = data[data.rfind(b"\n", 0, start) + 1 : start]
    return not before.strip(b" \t") or before.split() == [b"async"]
