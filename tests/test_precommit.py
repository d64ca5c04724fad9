"""The hook, as the real pre-commit installs and runs it in a repository of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from helpers import CLIP, ROOT, SMELLY, STEP

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

IDENTITY = ["-c", "user.name=someone", "-c", "user.email=someone@localhost"]
CONFIG = """\
repos:
  - repo: {repo}
    rev: {rev}
    hooks:
      - id: convdiag-lint
"""


def git(folder: Path, *args: str) -> str:
    # A hook that runs these tests has its own idea of which repository is meant.
    env = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    done = subprocess.run(["git", *IDENTITY, *args], cwd=folder, env=env, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def commit_all(folder: Path) -> str:
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "everything", "--no-verify")
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture(scope="module")
def this_project(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The working copy, committed or not, as a repository that pre-commit can clone."""
    copy = tmp_path_factory.mktemp("hook") / "convdiag"
    copy.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", ".pre-commit-hooks.yaml"):
        shutil.copy(ROOT / name, copy)
    skipped = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "convdiag_lint", copy / "convdiag_lint", ignore=skipped)
    return copy, commit_all(copy)


def test_pre_commit_stops_a_smelly_commit_and_reads_the_neighbours(
    this_project: tuple[Path, str], tmp_path: Path
) -> None:
    repo, rev = this_project
    user = tmp_path / "user"
    user.mkdir()
    (user / ".pre-commit-config.yaml").write_text(CONFIG.format(repo=repo, rev=rev))
    (user / "helper.py").write_text(f"import torch\n\n\ndef limit(model):\n    {CLIP.strip()}\n")
    limited = "from helper import limit\n" + SMELLY.replace(STEP, "        limit(model)\n" + STEP)
    (user / "train.py").write_text(SMELLY)
    (user / "notes.md").write_text("optimizer.step()\n")
    commit_all(user)
    env = {
        **{key: value for key, value in os.environ.items() if not key.startswith("GIT_")},
        "PRE_COMMIT_HOME": str(tmp_path / "store"),
    }

    def pre_commit(*args: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "pre_commit", "run", *args],
            cwd=user, env=env, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip

    done = pre_commit("--all-files")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "train.py" in done.stdout
    assert "CVG101" in done.stdout
    # Only the changed file is handed over; that it is limited stands in the other.
    (user / "train.py").write_text(limited)
    git(user, "add", "train.py")
    done = pre_commit()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Passed" in done.stdout


PROBE = """\
repos:
  - repo: {repo}
    rev: {rev}
    hooks:
      - id: convdiag-probe
        args: [--model, policy.py]
        language: system
        additional_dependencies: []
"""


def test_the_probe_waits_for_the_push_and_is_told_what_to_probe(this_project: tuple[Path, str], tmp_path: Path) -> None:
    repo, rev = this_project
    user = tmp_path / "user"
    user.mkdir()
    (user / ".pre-commit-config.yaml").write_text(PROBE.format(repo=repo, rev=rev))
    (user / "policy.py").write_text("def act(observation):\n    return 2 * observation\n")
    commit_all(user)
    command = tmp_path / "bin" / "convdiag-probe"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m runtime_probe "$@"\n')
    command.chmod(0o755)
    env = {
        **{key: value for key, value in os.environ.items() if not key.startswith("GIT_")},
        "PRE_COMMIT_HOME": str(tmp_path / "store"),
        "PATH": f"{command.parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
    }

    def pre_commit(*args: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "pre_commit", "run", "--all-files", *args],
            cwd=user, env=env, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip

    done = pre_commit()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "convdiag-probe" not in done.stdout
    for stage in ("manual", "pre-push"):
        done = pre_commit("--hook-stage", stage)
        assert done.returncode == 1, done.stdout + done.stderr
        assert "policy.py defines no module of torch" in done.stdout
