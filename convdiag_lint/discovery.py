"""Which files to check: what was named, and what is below the folders that were named."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from convdiag_lint.settings import matches, settings_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pathspec import GitIgnoreSpec

NEVER_WALKED = frozenset(
    {
        ".git", ".hg", ".svn", ".bzr", ".direnv", ".eggs", ".ipynb_checkpoints", ".mypy_cache",
        ".nox", ".pytest_cache", ".ruff_cache", ".tox", ".venv", "venv", "__pycache__",
        "__pypackages__", "_build", "build", "dist", "node_modules", "site-packages",
    }
)  # fmt: skip


@dataclass(slots=True)
class Found:
    """Files to check, each once and in order, and what could not be looked at."""

    files: list[str] = field(default_factory=list)
    problems: list[tuple[str, str]] = field(default_factory=list)
    """Pairs of path and reason."""


def find(paths: Iterable[str], exclude: tuple[str, ...] = ()) -> Found:
    """Find the Python files below `paths`.

    A file that is named is always taken. Folders are walked without following links to other
    folders, and without what git ignores, what is never source, and what settings or
    `exclude` (paths from the working folder) leave out.

    Raises:
        SettingsError: a pyproject.toml on the way cannot be used.
    """
    found = Found()
    seen: set[str] = set()
    for path in paths:
        try:
            is_folder = stat.S_ISDIR(os.stat(path).st_mode)
        except (OSError, ValueError) as error:
            found.problems.append((path, reason(error)))
            continue
        files = _walk(path, exclude, found) if is_folder else [os.path.normpath(path)]
        for file in files:
            real = os.path.realpath(file)
            if real not in seen:
                seen.add(real)
                found.files.append(file)
    found.files.sort(key=_by_folder)
    return found


def reason(error: Exception) -> str:
    """Say in a few words why a file could not be read."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror[0].lower() + error.strerror[1:]
    return str(error) or type(error).__name__


def _by_folder(path: str) -> list[str]:
    return path.split(os.sep)


def _walk(top: str, exclude: tuple[str, ...], found: Found) -> Iterator[str]:
    here = str(Path.cwd())
    ignores = _Ignores(os.path.realpath(top))

    def unreadable(error: OSError) -> None:
        found.problems.append((os.path.normpath(error.filename), reason(error)))

    def keep(path: str, real: str, *, folder: bool) -> bool:
        settings = settings_for(Path(real).parent)
        return not (
            ignores.ignored(real, folder=folder)
            or matches(path, exclude, here)
            or matches(path, settings.exclude, settings.folder)
        )

    for folder, folders, names in os.walk(top, onerror=unreadable, followlinks=False):
        real = os.path.realpath(folder)
        folders[:] = sorted(
            name
            for name in folders
            if name not in NEVER_WALKED
            and not name.endswith(".egg-info")
            and not _is_environment(os.path.join(folder, name))
            and keep(os.path.join(folder, name), os.path.join(real, name), folder=True)
        )
        for name in sorted(names):
            path = os.path.normpath(os.path.join(folder, name))
            if name.endswith(".py") and keep(path, os.path.join(real, name), folder=False):
                yield path


def _is_environment(folder: str) -> bool:
    return os.path.exists(os.path.join(folder, "pyvenv.cfg"))


class _Ignores:
    """What .gitignore files say, from the root of the repository down to a file."""

    def __init__(self, top: str) -> None:
        self._root = _repository(Path(top))
        # A folder that was named is walked even if git ignores it; what is said of it and of
        # everything below it from above has then lost its meaning.
        if self._root and self.ignored(top, folder=True):
            self._root = Path(top)

    def ignored(self, path: str, *, folder: bool) -> bool:
        if self._root is None:
            return False
        place = Path(path)
        verdict: bool | None = None
        for base in [place.parent, *place.parent.parents]:
            spec = _spec(base)
            if spec is not None:
                relative = place.relative_to(base).as_posix() + ("/" if folder else "")
                verdict = spec.check_file(relative).include
            if verdict is not None or base == self._root:
                break
        return bool(verdict)


@lru_cache(maxsize=4096)
def _repository(folder: Path) -> Path | None:
    """The root of the git repository that holds a folder; outside one, the highest .gitignore."""
    highest = None
    for base in [folder, *folder.parents]:
        if (base / ".git").exists():
            return base
        if (base / ".gitignore").is_file():
            highest = base
    return highest


@lru_cache(maxsize=4096)
def _spec(folder: Path) -> GitIgnoreSpec | None:
    lines: list[str] = []
    for file in (folder / ".git" / "info" / "exclude", folder / ".gitignore"):
        try:
            lines += file.read_text("utf-8", "replace").splitlines()
        except OSError:
            continue
    if not any(line.strip() and not line.startswith("#") for line in lines):
        return None
    # Imported only where a file has something to say.
    from pathspec import GitIgnoreSpec  # noqa: PLC0415

    try:
        return GitIgnoreSpec.from_lines(lines)
    except ValueError:
        # git passes over patterns that it cannot read; so do we, with the whole file.
        return None
