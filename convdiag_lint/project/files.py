"""The files of a project: found once, read once, searched as bytes."""

from __future__ import annotations

import hashlib
import os
import re
from functools import cached_property
from typing import TYPE_CHECKING

from convdiag_lint.reading.scan import called

if TYPE_CHECKING:
    from pathlib import Path

MARKERS = (".git", ".hg", "pyproject.toml", "setup.py", "setup.cfg", "requirements.txt")
SKIPPED = frozenset(
    {
        ".git", ".hg", ".svn", ".tox", ".nox", ".venv", "venv", "node_modules",
        "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", "build", "dist",
        "site-packages", ".eggs", "wandb",
    }
)  # fmt: skip
MOST_FILES = 5000
"""A neighbour search stops here: a tree this large is a home folder or a monorepo."""
LARGEST = 2_000_000
"""Bytes; a longer .py file is generated data."""
CONFIGS = (".yaml", ".yml", ".json", ".toml", ".sh")
LARGEST_CONFIG = 100_000
_BASES = re.compile(rb"^[ \t]*class[ \t]+\w+\s*\(([^)]*)\)", re.MULTILINE)
_WORD = re.compile(rb"\w+")


def find_root(path: Path, stop: Path | None = None) -> Path:
    """Return the folder that holds the project of a file.

    The nearest folder upwards with a version control folder; else `stop` (the working folder)
    if the file is below it; else the highest folder upwards that has a packaging file, as long
    as the chain of such folders or packages is unbroken; else the file's own folder.
    """
    folder = path.resolve().parent
    above = [folder, *folder.parents]
    for candidate in above:
        if (candidate / ".git").exists() or (candidate / ".hg").exists():
            return candidate
    if stop is not None and stop.resolve() in above:
        return stop.resolve()
    for candidate in above[:-1]:
        if any((candidate / marker).exists() for marker in MARKERS):
            return candidate
    for candidate in above[:-1]:
        if not (candidate / "__init__.py").exists():
            return candidate
    return folder


class ProjectFiles:
    """Python and config files below a root, by path relative to it (posix separators)."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self._bytes: dict[str, bytes] = {}
        self._overlay: dict[str, bytes] = {}

    def overlay(self, path: str, data: bytes) -> None:
        """Put unsaved text (an editor's, stdin) in place of what is on disk."""
        self._overlay[path] = data

    @cached_property
    def _listing(self) -> tuple[list[str], list[str]]:
        python: list[str] = []
        configs: list[str] = []
        for folder, folders, names in os.walk(self.root, followlinks=False):
            # An environment is told by its file, not by its name: `env/` is where RL code lives.
            folders[:] = sorted(
                f
                for f in folders
                if f not in SKIPPED
                and not f.endswith(".egg-info")
                and not os.path.exists(os.path.join(folder, f, "pyvenv.cfg"))
            )
            base = os.path.relpath(folder, self.root)
            base = "" if base == "." else base.replace(os.sep, "/") + "/"
            for name in sorted(names):
                if name.endswith(".py"):
                    python.append(base + name)
                elif name.endswith(CONFIGS):
                    configs.append(base + name)
            if len(python) >= MOST_FILES:
                break
        return python, configs

    @property
    def python(self) -> list[str]:
        """Python files, sorted by folder."""
        return self._listing[0]

    @property
    def configs(self) -> list[str]:
        """YAML, JSON, TOML and shell files, which may hold the values of switches."""
        return self._listing[1]

    def read(self, path: str) -> bytes:
        """Bytes of one file; nothing for one that cannot be read or is too large to be source."""
        if path in self._overlay:
            return self._overlay[path]
        data = self._bytes.get(path)
        if data is None:
            limit = LARGEST if path.endswith(".py") else LARGEST_CONFIG
            full = self.root / path
            try:
                data = full.read_bytes() if full.is_file() and full.stat().st_size <= limit else b""
            except OSError:
                data = b""
            self._bytes[path] = data
        return data

    def exists(self, path: str) -> bool:
        """Whether a Python file is at this place."""
        return path in self._known

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self.python) | frozenset(self._overlay)

    def mentioning(self, word: str) -> list[str]:
        """Python files whose bytes contain a word."""
        needle = word.encode()
        return [path for path in self.python if needle in self.read(path)]

    def calling(self, word: str) -> list[str]:
        """Python files in which a name is called."""
        return self._callers.get(word.encode(), [])

    def deriving(self, word: str) -> list[str]:
        """Python files in which a class has a name among its bases."""
        return self._heirs.get(word.encode(), [])

    @cached_property
    def _callers(self) -> dict[bytes, list[str]]:
        found: dict[bytes, list[str]] = {}
        for path in self.python:
            for name in called(self.read(path)):
                found.setdefault(name, []).append(path)
        return found

    @cached_property
    def _heirs(self) -> dict[bytes, list[str]]:
        found: dict[bytes, list[str]] = {}
        for path in self.python:
            for name in {n for bases in _BASES.findall(self.read(path)) for n in _WORD.findall(bases)}:
                found.setdefault(name, []).append(path)
        return found

    def fingerprint(self) -> str:
        """Digest of everything that an analysis of this project may depend on."""
        digest = hashlib.sha256()
        for path in [*self.python, *self.configs]:
            digest.update(path.encode("utf-8", "surrogateescape"))
            digest.update(hashlib.sha256(self.read(path)).digest())
        return digest.hexdigest()
