"""Names of the project's functions that act on a training step, found without parsing."""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from convdiag_lint.project.files import ProjectFiles

_DEFINITION = re.compile(rb"^[ \t]*(?:async[ \t]+)?def[ \t]+(\w+)", re.MULTILINE)
_ACTS = re.compile(
    rb"\.step\(|backward\(|clip_grad|zero_grad|isnan|isinf|isfinite|detect_anomaly|\.grad\b|_assert_async|unscale_"
)
_CALLED = re.compile(rb"(\w+)\s*\(")
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
        bodies: list[tuple[bytes, bytes]] = []
        found: set[bytes] = set()
        for path in self._files.python:
            data = self._files.read(path)
            starts = [(m.start(), m.group(1)) for m in _DEFINITION.finditer(data)]
            ends = [*(start for start, _ in starts), len(data)][1:]
            for (start, name), end in zip(starts, ends, strict=True):
                body = data[start:end]
                bodies.append((name, body))
                if _ACTS.search(body):
                    found.add(name)
        found -= _COMMON
        calls = [(name, frozenset(_CALLED.findall(body, 4))) for name, body in bodies if name not in found]
        for _ in range(_LEVELS):
            more = {name for name, called in calls if name not in _COMMON and not found.isdisjoint(called - {name})}
            if more <= found:
                break
            found |= more
        return frozenset(name.decode("utf-8", "replace") for name in found)
