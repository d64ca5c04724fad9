"""Copies in the run folder that stand for files that were there before the run."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from typing import TYPE_CHECKING

from runtime_probe.harmless import journal

if TYPE_CHECKING:
    from runtime_probe.harmless.journal import Journal

SPARE = 0.5
"""Share of the free space in the run folder that one copy of a file may take."""


class Shadows:
    """The copies of one run; all of its processes find the same ones."""

    def __init__(self, run_folder: str, lines: Journal) -> None:
        self._folder = os.path.join(os.path.realpath(run_folder), "shadow")
        self._journal = lines

    def place(self, path: str) -> str:
        """Return where the copy of a file belongs: by its path, with its name and suffix."""
        import hashlib

        folder = os.path.join(self._folder, hashlib.sha256(os.fsencode(path)).hexdigest()[:16])
        os.makedirs(folder, exist_ok=True)
        return os.path.join(folder, os.path.basename(path))

    def represent(self, path: str, *, copy: bool) -> str:
        """Make the copy of a file, empty unless its content matters, and write down that it stands for the file.

        Raises PermissionError where there is no room for it.
        """
        import shutil

        shadow = self.place(path)
        part = f"{shadow}.{os.getpid()}.part"
        if copy:
            copy_file(path, part)
        else:
            with open(part, "wb"):
                pass
        shutil.copymode(path, part)
        os.chmod(part, os.stat(part).st_mode | stat.S_IRUSR | stat.S_IWUSR)
        if path in self._journal.refresh().gone:
            os.replace(part, shadow)
        else:
            with contextlib.suppress(FileExistsError):
                os.link(part, shadow)  # the first of several processes makes it
            discard(part)
        self._journal.add(journal.SHADOW, path, shadow)
        return shadow


def copy_file(source: str, target: str) -> None:
    """Copy a file, link or folder. Raises PermissionError for a file that there is no room for."""
    import shutil

    if os.path.isdir(source) and not os.path.islink(source):
        shutil.copytree(source, target, symlinks=True)
        return
    if not os.path.islink(source):
        free = shutil.disk_usage(os.path.dirname(target)).free
        if os.path.getsize(source) > SPARE * free:
            text = "too large for the probe to copy; --allow-writes lets the script change it"
            raise PermissionError(errno.EACCES, text, source)
    shutil.copy2(source, target, follow_symlinks=False)


def discard(path: str) -> None:
    """Delete a file if it is there."""
    if os.path.lexists(path):
        os.unlink(path)
