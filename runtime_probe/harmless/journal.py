"""What the processes of a run did to files: one line each, appended by all of them."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field

NAME = "journal"

# Kinds of lines.
BASE = "base"  # the working folder of the command
MADE = "made"  # a file that was not there before
FOLDER = "folder"  # the same for a folder
UNMADE = "unmade"  # the script removed what it made
MOVED = "moved"  # the script renamed what it made
SHADOW = "shadow"  # a file that was there is represented by a copy
GONE = "gone"  # a file that was there counts as deleted
BACK = "back"  # a folder that counted as deleted counts as there again
REFUSED = "refused"

_write, _close, _open, _stat = os.write, os.close, os.open, os.stat


@dataclass(slots=True)
class State:
    """What all lines so far amount to."""

    made: dict[str, bool] = field(default_factory=dict)
    """Files; True for those that stay (caches)."""
    folders: dict[str, bool] = field(default_factory=dict)
    shadows: dict[str, str] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    refused: dict[str, None] = field(default_factory=dict)
    base: str = ""

    def apply(self, line: list[str]) -> None:
        """Take in one line."""
        kind, path, other = line
        if kind == MADE:
            self.made[path] = bool(other)
        elif kind == FOLDER:
            self.folders[path] = bool(other)
        elif kind == UNMADE:
            self.made.pop(path, None)
            self.folders.pop(path, None)
        elif kind == MOVED:
            self._move(path, other)
        elif kind == SHADOW:
            self.shadows[path] = other
            self.gone.discard(path)
        elif kind == GONE:
            self.gone.add(path)
            self.shadows.pop(path, None)
        elif kind == BACK:
            self.gone.discard(path)
        elif kind == REFUSED:
            self.refused[path] = None
        elif kind == BASE:
            self.base = path

    def _move(self, source: str, target: str) -> None:
        for known in (self.made, self.folders):
            for path in [path for path in known if path == source or path.startswith(source + os.sep)]:
                known[target + path[len(source) :]] = known.pop(path)

    def is_made(self, path: str) -> bool:
        """Whether the run made this path, or a folder that it is in."""
        if path in self.made:
            return True
        while path not in self.folders:
            above = os.path.dirname(path)
            if above == path:
                return False
            path = above
        return True


class Journal:
    """The file, and the state that this process knows."""

    def __init__(self, run_folder: str) -> None:
        self._path = f"{run_folder}/{NAME}"
        self._offset = 0
        self._rest = b""
        self.state = State()

    def add(self, kind: str, path: str, other: str = "") -> None:
        """Append a line: to the file in one write, so that lines of several processes stay whole."""
        line = json.dumps([kind, path, other]).encode() + b"\n"
        descriptor = _open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            _write(descriptor, line)
        finally:
            _close(descriptor)
        self.refresh()

    def refresh(self) -> State:
        """Read what has come since the last look."""
        try:
            size = _stat(self._path).st_size
        except OSError:
            return self.state  # nothing yet, or the run is over
        if size > self._offset:
            self._take(size)
        return self.state

    def _take(self, size: int) -> None:
        descriptor = _open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            text = os.pread(descriptor, size - self._offset, self._offset)
        finally:
            _close(descriptor)
        self._offset += len(text)
        *lines, self._rest = (self._rest + text).split(b"\n")
        for line in lines:
            self.state.apply(json.loads(line))
