"""Findings of earlier runs, kept by content, so that a second run costs next to nothing."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from convdiag_lint import __version__
from convdiag_lint.events import Evidence, Finding

_KEPT = 30 * 24 * 3600
"""Seconds after which an entry that no run has renewed is removed."""


def default_folder() -> Path:
    """Where entries are kept: CONVDIAG_CACHE_DIR, or the user's cache folder."""
    named = os.environ.get("CONVDIAG_CACHE_DIR")
    if named:
        return Path(named)
    from platformdirs import user_cache_dir  # noqa: PLC0415 - not needed where the folder is named

    return Path(user_cache_dir("convdiag-lint", appauthor=False))


@dataclass(frozen=True, slots=True)
class Entry:
    """Findings, and digests of what they follow from."""

    text: str
    """The file's own bytes."""
    project: str
    """The files around it; empty if they do not matter."""
    findings: list[Finding]


class Cache:
    """One small file for each source file; whatever goes wrong here costs time, never a run."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = (folder or default_folder()) / tag()

    def load(self, root: str, path: str) -> Entry | None:
        """Return what was stored for a file, whatever its text was then."""
        try:
            item = json.loads(self._entry(root, path).read_bytes())
            findings = [_finding(finding) for finding in item["findings"]]
            return Entry(item["text"], item["project"], findings)
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            return None

    def store(self, root: str, path: str, kept: Entry) -> None:
        """Keep what is known of a file; readers see the whole entry or the one before it."""
        entry = self._entry(root, path)
        findings = [_item(finding) for finding in kept.findings]
        text = json.dumps({"text": kept.text, "project": kept.project, "findings": findings})
        temporary = None
        try:
            entry.parent.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=entry.parent, suffix=".tmp")
            with open(handle, "w", encoding="utf-8") as file:  # noqa: PTH123 - a descriptor
                file.write(text)
            Path(temporary).replace(entry)
        except (OSError, ValueError):
            if temporary:
                with contextlib.suppress(OSError):
                    Path(temporary).unlink()

    def prune(self) -> None:
        """Remove, once a day at most, what no run has renewed for a month."""
        base = self._folder.parent
        stamp = base / "pruned"
        now = time.time()
        with contextlib.suppress(OSError):
            if stamp.exists() and now - stamp.stat().st_mtime < _KEPT / 30:
                return
            if not base.is_dir():
                return
            stamp.touch()
            for entry in base.glob("*/*/*"):
                if entry.suffix in {".json", ".tmp"} and now - entry.stat().st_mtime > _KEPT:
                    entry.unlink()

    def _entry(self, root: str, path: str) -> Path:
        name = hashlib.sha256(f"{root}\0{path}".encode("utf-8", "surrogateescape")).hexdigest()
        return self._folder / name[:2] / f"{name[2:40]}.json"


@lru_cache(maxsize=1)
def tag() -> str:
    """Name what else findings depend on: this version, as installed, and Python's.

    The state of the installed files is part of it, so that a working copy of this project
    never serves findings of yesterday's rules.
    """
    digest = hashlib.sha256()
    package = Path(__file__).parent
    for folder, folders, names in os.walk(package):
        folders.sort()
        for name in sorted(names):
            if name.endswith(".py"):
                with contextlib.suppress(OSError):
                    status = (Path(folder) / name).stat()
                    digest.update(f"{name}{status.st_size}{status.st_mtime_ns}".encode())
    python = "".join(str(part) for part in sys.version_info[:2])
    return f"{__version__}-py{python}-{digest.hexdigest()[:12]}"


def _item(finding: Finding) -> list[object]:
    evidence = [[item.path, item.line, item.text] for item in finding.evidence]
    return [
        finding.path, finding.line, finding.column, finding.end_line, finding.end_column,
        finding.code, finding.name, finding.message, finding.scope, evidence, finding.unsure,
    ]  # fmt: skip


def _finding(item: list[object]) -> Finding:
    path, line, column, end_line, end_column, code, name, message, scope, evidence, unsure = item
    numbers = (line, column, end_line, end_column)
    texts = (path, code, name, message, scope)
    if not (
        all(isinstance(number, int) for number in numbers)
        and all(isinstance(text, str) for text in texts)
        and isinstance(evidence, list)
    ):
        raise TypeError("not an entry of this cache")
    return Finding(
        path=str(path),
        line=int(str(line)),
        column=int(str(column)),
        end_line=int(str(end_line)),
        end_column=int(str(end_column)),
        code=str(code),
        name=str(name),
        message=str(message),
        scope=str(scope),
        evidence=tuple(Evidence(str(where), int(at), str(text)) for where, at, text in evidence),
        unsure=bool(unsure),
    )
