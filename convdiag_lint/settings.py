"""Settings of a project: `[tool.convdiag]` in the nearest pyproject.toml."""

from __future__ import annotations

import fnmatch
import os
import sys
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from pathlib import Path

SELECT = ("CVG",)


class SettingsError(Exception):
    """A setting that cannot be used: which one, where, and what was expected, in one line."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What to look for, and where not to."""

    select: tuple[str, ...] = SELECT
    """Codes or beginnings of codes."""
    ignore: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    """Names or paths, with wildcards, of files and folders that are not walked into."""
    per_file_ignores: tuple[tuple[str, tuple[str, ...]], ...] = ()
    show_unsure: bool = False
    folder: str = "."
    """Paths in `exclude` and `per_file_ignores` start here."""

    def override(
        self,
        select: tuple[str, ...] = (),
        ignore: tuple[str, ...] = (),
        *,
        show_unsure: bool = False,
    ) -> Settings:
        """Put options of a command line over settings of a file."""
        return replace(
            self,
            select=select or self.select,
            ignore=ignore or self.ignore,
            show_unsure=show_unsure or self.show_unsure,
        )

    def wants(self, code: str, path: str) -> bool:
        """Whether findings of this code in this file are asked for.

        As in flake8 the longer of two matching prefixes decides, and `ignore` wins a draw.
        """
        ignored = [*self.ignore]
        for pattern, codes in self.per_file_ignores:
            if matches(path, (pattern,), self.folder):
                ignored += codes
        return _longest(code, self.select) > _longest(code, ignored)


def _longest(code: str, prefixes: tuple[str, ...] | list[str]) -> int:
    return max((len(prefix) for prefix in prefixes if code.startswith(prefix)), default=0)


def matches(path: str, patterns: tuple[str, ...], folder: str) -> bool:
    """Whether a path, or a folder above it, has a name or a place that a pattern describes.

    A pattern without a slash is compared with names, one with a slash with the path from
    `folder` on.
    """
    if not patterns:
        return False
    relative = os.path.relpath(os.path.realpath(path), folder).replace(os.sep, "/")
    parts = relative.split("/")
    for pattern in patterns:
        plain = pattern.strip().removeprefix("./").rstrip("/")
        if "/" not in plain:
            if any(fnmatch.fnmatchcase(part, plain) for part in parts):
                return True
        elif any(fnmatch.fnmatchcase("/".join(parts[: end + 1]), plain.lstrip("/")) for end in range(len(parts))):
            return True
    return False


@lru_cache(maxsize=4096)
def settings_for(folder: Path) -> Settings:
    """Return the settings for files in a folder; those of the nearest file that has any.

    Raises:
        SettingsError: the nearest file cannot be read, or holds a setting that is not valid.
    """
    file = folder / "pyproject.toml"
    table = _table(file)
    if table is not None:
        return _checked(table, file)
    if folder.parent == folder or (folder / ".git").exists():
        return Settings()
    return settings_for(folder.parent)


def _table(file: Path) -> dict[str, object] | None:
    try:
        data = file.read_bytes()
    except OSError:
        return None
    if b"convdiag" not in data:
        return None
    try:
        tool = tomllib.loads(data.decode("utf-8")).get("tool", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file}: not valid TOML: {error}") from None
    table = tool.get("convdiag") if isinstance(tool, dict) else None
    if table is not None and not isinstance(table, dict):
        raise SettingsError(f"{file}: [tool.convdiag] must be a table")
    return table


def _checked(table: dict[str, object], file: Path) -> Settings:
    known = {"select", "ignore", "exclude", "per-file-ignores", "show-unsure"}
    for key in table:
        if key not in known:
            raise SettingsError(f"{file}: [tool.convdiag] has no setting {key!r}; there are {_listed(known)}")
    unsure = table.get("show-unsure", False)
    if not isinstance(unsure, bool):
        raise SettingsError(f"{file}: [tool.convdiag] show-unsure must be true or false")
    per_file = table.get("per-file-ignores", {})
    if not isinstance(per_file, dict):
        raise SettingsError(f"{file}: [tool.convdiag] per-file-ignores must be a table of pattern = [codes]")
    return Settings(
        select=_codes(table.get("select", list(SELECT)), "select", file),
        ignore=_codes(table.get("ignore", []), "ignore", file),
        exclude=_strings(table.get("exclude", []), "exclude", file),
        per_file_ignores=tuple(
            (pattern, _codes(codes, f"per-file-ignores.{pattern!r}", file)) for pattern, codes in per_file.items()
        ),
        show_unsure=unsure,
        folder=str(file.resolve().parent),
    )


def _strings(value: object, key: str, file: Path) -> tuple[str, ...]:
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    raise SettingsError(f"{file}: [tool.convdiag] {key} must be a list of strings")


def _codes(value: object, key: str, file: Path) -> tuple[str, ...]:
    codes = _strings(value, key, file)
    try:
        check_codes(codes)
    except SettingsError as error:
        raise SettingsError(f"{file}: [tool.convdiag] {key}: {error}") from None
    return codes


def check_codes(codes: tuple[str, ...]) -> None:
    """Make sure that each code, or beginning of a code, speaks of a rule.

    Raises:
        SettingsError: one does not, and would silently select or ignore nothing.
    """
    if not codes:
        return
    # Rules are imported only when someone names one.
    from convdiag_lint.rules import ALL  # noqa: PLC0415

    for code in codes:
        if not code or not any(rule.code.startswith(code) for rule in ALL):
            raise SettingsError(f"no rule {code!r}; `convdiag-lint rules` lists them")


def _listed(words: set[str]) -> str:
    return ", ".join(sorted(words))
