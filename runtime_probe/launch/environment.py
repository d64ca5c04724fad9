"""The environment of the probed command: how the probe enters, and how trackers stay silent."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from runtime_probe.launch import shims

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runtime_probe.options import Options

# Documented off-switches; what has none is stopped in the process (harmless/trackers.py).
_TRACKERS_OFF = {
    "WANDB_MODE": "disabled",
    "WANDB_SILENT": "true",
    "COMET_MODE": "disabled",
    "COMET_AUTO_LOG_DISABLE": "1",
    "NEPTUNE_MODE": "debug",
    "CLEARML_OFFLINE_MODE": "1",
    "CLEARML_LOG_LEVEL": "ERROR",
    "SWANLAB_MODE": "disabled",
    "DISABLE_MLFLOW_INTEGRATION": "TRUE",
    "HF_MLFLOW_LOG_ARTIFACTS": "0",
    "HF_HUB_DISABLE_TELEMETRY": "1",
}

# Windows that nobody looks at would keep the script waiting; a choice of the user stands.
_NO_WINDOWS = {"MPLBACKEND": "Agg", "SDL_VIDEODRIVER": "dummy", "SDL_AUDIODRIVER": "dummy"}


def make(options: Options, base: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment for the command."""
    base = os.environ if base is None else base
    made = {**_NO_WINDOWS, **base, **_TRACKERS_OFF, **options.to_environment()}
    made["MLFLOW_TRACKING_URI"] = (Path(options.run_folder) / "mlflow").as_uri()
    made["PYTHONPATH"] = os.pathsep.join(filter(None, (str(shims.BOOTSTRAP), base.get("PYTHONPATH"))))
    if os.name == "posix":
        made["PATH"] = shims.on_path(shims.write(options), base.get("PATH"))
    # What a script printed last tells why it hangs.
    made["PYTHONUNBUFFERED"] = "1"
    if not options.allow_writes:
        made["PYTHONDONTWRITEBYTECODE"] = "1"
    return made
