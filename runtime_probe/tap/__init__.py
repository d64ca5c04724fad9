"""Hooks into torch, inside the script's own process: measurements and events, no verdicts.

`enter` is called once, when torch has just been imported and before the script goes on. From then on
hooks tell the session what happens; the session decides what to measure and when to stop.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from runtime_probe.options import from_environment


def enter() -> None:
    """Put the tap into this process, if a probe is above it. Never raises."""
    options = from_environment()
    if options is None or not hasattr(sys.modules.get("torch"), "__path__"):
        return  # no probe above, or a torch.py that is no package
    try:
        from runtime_probe.tap.install import install  # noqa: PLC0415 - needs torch

        install(options)
    except Exception as error:  # noqa: BLE001 - whatever is wrong here must not be the script's trouble
        folder = Path(options.run_folder)
        if folder.is_dir():
            folder.joinpath(f"trouble-{os.getpid()}").write_text(f"{type(error).__name__}: {error}", encoding="utf-8")
