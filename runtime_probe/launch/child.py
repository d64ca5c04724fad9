"""What happens in a Python process below the probe before any of the user's code."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from runtime_probe.launch import trouble
from runtime_probe.launch.after_import import when_imported
from runtime_probe.options import from_environment

if TYPE_CHECKING:
    from types import ModuleType


def enter() -> None:
    """Put the guard in place, and have the tap wait for torch."""
    options = from_environment()
    if options is None or not os.path.isdir(options.run_folder):
        return  # a process that outlived its probe
    try:
        from runtime_probe.harmless.install import install  # noqa: PLC0415 - errors of the guard are reported

        install(options)
    except Exception as error:  # noqa: BLE001 - the script runs on; the probe reports it
        trouble.write("guard", error)
    when_imported("torch", _tap)


def _tap(torch: ModuleType) -> None:
    from runtime_probe import tap  # noqa: PLC0415 - needs torch

    enter_tap = getattr(tap, "enter", None)
    if enter_tap is not None:
        enter_tap()
