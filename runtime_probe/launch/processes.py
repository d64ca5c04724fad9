"""Everything that the command started, and its end."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

import psutil

from runtime_probe.options import VARIABLE

if TYPE_CHECKING:
    from collections.abc import Iterable

GRACE = 2.0
"""Seconds between the request to end and the end."""


class Family:
    """The command's process and all below it, also those that left its session or lost their parent."""

    def __init__(self, pid: int, run_folder: str) -> None:
        self._root = pid
        self._run_folder = run_folder
        self._known: set[psutil.Process] = set()

    def look(self) -> None:
        """Remember who is below now: a process that cleans its environment is only seen while its parent lives."""
        with suppress(psutil.Error):
            root = psutil.Process(self._root)
            self._known |= {root, *root.children(recursive=True)}

    def end(self) -> int:
        """End all of them, and return how many it were."""
        ended: set[psutil.Process] = set()
        # Rounds, because a process may start another one while it is being ended.
        for _ in range(5):
            alive = self._alive()
            if not alive:
                break
            ended |= alive
            _signal(alive, kill=False)
            _, stubborn = psutil.wait_procs(alive, timeout=GRACE)
            _signal(stubborn, kill=True)
            psutil.wait_procs(stubborn, timeout=GRACE)
        return len(ended)

    def _alive(self) -> set[psutil.Process]:
        self.look()
        found = self._known | {process for process in psutil.process_iter() if self._is_ours(process)}
        for process in list(found):
            with suppress(psutil.Error):
                found |= set(process.children(recursive=True))
        self._known |= found
        return {process for process in found if process.pid != os.getpid() and _runs(process)}

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            return self._run_folder in process.environ().get(VARIABLE, "")
        except (psutil.Error, OSError):
            return False  # ended meanwhile, or another user's


def exists(pid: int) -> bool:
    """Whether this process runs."""
    try:
        return _runs(psutil.Process(pid))
    except psutil.Error:
        return False


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _signal(processes: Iterable[psutil.Process], *, kill: bool) -> None:
    for process in processes:
        with suppress(psutil.Error):
            if kill:
                process.kill()
            else:
                process.terminate()
                # A stopped process hears the request only when it goes on.
                process.resume()
