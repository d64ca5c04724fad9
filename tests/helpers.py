"""What several test modules share: sample code, and the doors as a user opens them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

SMELLY = """\
import torch


def train(model, loader):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for x, y in loader:
        optimizer.zero_grad()
        loss = ((model(x) - y) ** 2).mean()
        assert torch.isfinite(loss)
        loss.backward()
        optimizer.step()
"""
"""Nothing is clipped: CVG101, and nothing else, on the last line."""

STEP_LINE = SMELLY.count("\n")
STEP = "        optimizer.step()\n"
CLIP = "        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)\n"
HEALTHY = SMELLY.replace(STEP, CLIP + STEP)
NOT_TRAINING = "def add(a, b):\n    return a + b\n"


def run(
    *args: str | Path, cwd: Path, stdin: bytes = b"", env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a Python module or script as a process of its own, with text results."""
    done = subprocess.run(
        [sys.executable, *map(str, args)],
        cwd=cwd,
        input=stdin,
        capture_output=True,
        env={**os.environ, **(env or {})},
        timeout=300,
        check=False,
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def convdiag(
    *args: str | Path, cwd: Path, stdin: bytes = b"", env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return run("-m", "convdiag_lint", *args, cwd=cwd, stdin=stdin, env=env)


def flake8(
    *args: str | Path, cwd: Path, stdin: bytes = b"", env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """flake8 with no settings but those given."""
    return run("-m", "flake8", *args, cwd=cwd, stdin=stdin, env=env)
