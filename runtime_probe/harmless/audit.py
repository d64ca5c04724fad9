"""The last line: what reaches a file by a way that the guard does not know fails, rather than does harm.

Python reports each opening, renaming and removing before it happens, also from C.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from runtime_probe.harmless.inside import inside

if TYPE_CHECKING:
    from runtime_probe.harmless.guard import Guard

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_TRUNC
_PATHS = {"os.remove": 1, "os.rmdir": 1, "os.rename": 2, "os.truncate": 1}


def install(guard: Guard) -> None:
    """Watch from now on; this cannot be undone."""

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            if inside.depth or not isinstance(flags, int) or not flags & _WRITES or isinstance(path, int):
                return
            _check(path, files=True)  # of folders, and of words for an opener, nothing is written
        elif event in _PATHS and not inside.depth:
            for path in arguments[: _PATHS[event]]:
                _check(path)

    def _check(path: Any, *, files: bool = False) -> None:
        if guard.was_there(path, files=files):
            guard.refuse(f"would have changed {path}", os.fsdecode(path))
            raise PermissionError(
                13, "convdiag-probe protects this file; --allow-writes lets the script change it", path
            )

    sys.addaudithook(hook)
