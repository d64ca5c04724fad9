"""Where a process below tells the probe about errors of the probe itself; its own output is the user's."""

from __future__ import annotations

import os
import traceback
from typing import TYPE_CHECKING

from runtime_probe.options import from_environment

if TYPE_CHECKING:
    from pathlib import Path

PREFIX = "trouble-"


def write(what: str, error: BaseException) -> None:
    """Keep the traceback in the run folder."""
    options = from_environment()
    if options is None or not options.run_folder:
        return
    text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    try:
        with open(f"{options.run_folder}/{PREFIX}{os.getpid()}", "a", encoding="utf-8") as file:
            file.write(f"{what}: {text}\n")
    except OSError:
        return  # the run is over


def read(run_folder: Path) -> list[str]:
    """Return what the processes below had to tell."""
    paths = sorted(run_folder.glob(f"{PREFIX}*"))
    return [path.read_text(encoding="utf-8", errors="replace").strip() for path in paths]
