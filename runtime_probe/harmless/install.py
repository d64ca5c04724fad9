"""Puts everything in place that keeps the script harmless."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe.harmless import audit, commands, files, libraries, trackers
from runtime_probe.harmless.guard import Guard

if TYPE_CHECKING:
    from runtime_probe.options import Options


def install(options: Options) -> None:
    """Guard this process; with `allow_writes` only trackers and hubs."""
    guard = Guard(options.run_folder)
    if not options.allow_writes:
        files.install(guard)
        libraries.install(guard)
        audit.install(guard)
    commands.install(guard, writes=options.allow_writes)
    trackers.install(guard, options.run_folder)
