"""What the user asked of the probe; travels to every process below it in one environment variable."""

from __future__ import annotations

import dataclasses
import json
import os
from dataclasses import dataclass

VARIABLE = "CONVDIAG_PROBE"


@dataclass(frozen=True, slots=True)
class Options:
    """Settings of one probed run."""

    run_folder: str = ""
    """Where each process writes its record, `record-PID.json`, and the guard its journal."""
    steps: int = 10
    batch_size: int = 4
    timeout: float = 300.0
    """Seconds for the whole command."""
    keep_going: bool = False
    """Let the script run on to its own end after the last step of the probe."""
    phases: str = "auto"
    """Which phases run after the baseline: `auto` (what the baseline calls for), `none`, `all`."""
    allow_writes: bool = False
    """Let the script write, overwrite and delete as it likes."""

    def to_environment(self) -> dict[str, str]:
        """Return the variable that carries these options to the processes below."""
        return {VARIABLE: json.dumps(dataclasses.asdict(self))}


def from_environment() -> Options | None:
    """Return the options of the probe above this process; None if there is none."""
    text = os.environ.get(VARIABLE)
    return Options(**json.loads(text)) if text else None
