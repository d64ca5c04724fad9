"""The end of a run, in the probe's own process: removes what the run made, and says what it was."""

from __future__ import annotations

import filecmp
import os
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from runtime_probe.harmless.journal import BASE, Journal
from runtime_probe.harmless.places import Places


@dataclass(slots=True)
class Left:
    """What a run did."""

    created: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def begin(run_folder: Path) -> None:
    """Write down where the run takes place."""
    Journal(str(run_folder)).add(BASE, os.path.realpath(Path.cwd()))


def clean(run_folder: Path) -> Left:
    """Remove the files and folders that are new, except in caches. Nothing of the run may still be alive."""
    state = Journal(str(run_folder)).refresh()
    places = Places(str(run_folder), state.base)
    temporary = os.path.realpath(tempfile.gettempdir()) + os.sep

    def is_temporary(path: str) -> bool:
        return path.startswith(temporary) and places.shown(path) == path

    left = Left(refused=list(state.refused))
    for path, stays in sorted(state.made.items()):
        if not stays and not places.is_exempt(path) and _remove(path, left) and not is_temporary(path):
            left.created.append(places.shown(path))
    # From the innermost, so that folders which only held folders are empty in their turn.
    for path in sorted(state.folders, key=len, reverse=True):
        if not state.folders[path] and not places.is_exempt(path):
            _remove_folder(path, left, whole=is_temporary(path))
    for path, shadow in state.shadows.items():
        shown = places.shown(path)
        if not any(shown in line for line in left.refused) and _differ(path, shadow):
            left.refused.append(f"would have changed {shown}")
    return left


def _remove(path: str, left: Left) -> bool:
    try:
        if os.path.islink(path) or not os.path.isdir(path):
            Path(path).unlink()
            return True
    except FileNotFoundError:
        return False
    except OSError as error:
        left.notes.append(f"{path} was made by the run and cannot be removed: {error.strerror}")
    return False


def _remove_folder(path: str, left: Left, *, whole: bool) -> None:
    if os.path.islink(path) or not os.path.isdir(path):
        return
    if whole:
        # A folder of this run in the system's temporary one: nobody else knows it.
        shutil.rmtree(path, ignore_errors=True)
        return
    try:
        Path(path).rmdir()
    except OSError:
        left.notes.append(f"{path} was made by the run and is not empty: look whether you need it")


def _differ(path: str, shadow: str) -> bool:
    try:
        return not filecmp.cmp(path, shadow, shallow=False)
    except OSError:
        return False
