"""Scripts written into the working folder and run under the probe."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import textwrap
from pathlib import Path

from runtime_probe.launch.run import Outcome, run
from runtime_probe.options import Options

ROOT = Path(__file__).parents[2]


def script(text: str, name: str = "train.py") -> str:
    Path(name).write_text(textwrap.dedent(text))
    return name


def probed(text: str, *, timeout: float = 60.0, allow_writes: bool = False) -> Outcome:
    """Run a script that must end well."""
    outcome = run([script(text)], Options(timeout=timeout, allow_writes=allow_writes))
    assert outcome.returncode == 0, outcome.output_tail
    assert outcome.notes == []
    return outcome


def tree(folder: Path) -> dict[str, str]:
    """Every path below a folder, with what it holds, its mode, and when it changed."""
    found = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        kind = f"{status.st_mode:o} {status.st_ino}"
        if path.is_symlink():
            kind += f" -> {path.readlink()}"
        elif path.is_file():
            kind += f" {status.st_mtime_ns} {hashlib.sha256(path.read_bytes()).hexdigest()}"
        found[str(path.relative_to(folder))] = kind
    return found


def start(*arguments: str) -> subprocess.Popen[bytes]:
    """Start the command line in the background."""
    return subprocess.Popen([sys.executable, "-m", "runtime_probe", *arguments], stderr=subprocess.PIPE)
