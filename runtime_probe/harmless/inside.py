"""Whether this thread is in the guard's own code, which works on the disk as it is."""

from __future__ import annotations

import threading


class _Inside(threading.local):
    depth = 0

    def __enter__(self) -> None:
        self.depth += 1

    def __exit__(self, *_: object) -> None:
        self.depth -= 1


inside = _Inside()
