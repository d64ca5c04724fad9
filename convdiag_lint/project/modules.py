"""Modules of a project, parsed when something asks for them, and what imports refer to."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from convdiag_lint.reading.lower import lower
from convdiag_lint.reading.source import SourceError, decode, refuse_abyss

if TYPE_CHECKING:
    from convdiag_lint.project.files import ProjectFiles
    from convdiag_lint.reading.syntax import Module


class Modules:
    """Parsed modules by path, and the path that a dotted name means in a file."""

    def __init__(self, files: ProjectFiles) -> None:
        self.files = files
        self._parsed: dict[str, Module | None] = {}
        self._found: dict[tuple[str, str], str | None] = {}

    def require(self, path: str) -> Module:
        """Parse one file. Raises SourceError."""
        if self._parsed.get(path) is None:
            self._parsed[path] = _parse(path, decode(self.files.read(path)))
        module = self._parsed[path]
        assert module is not None
        return module

    def get(self, path: str) -> Module | None:
        """Parse one file; nothing where that fails, for a neighbour is only evidence."""
        if path not in self._parsed:
            try:
                return self.require(path)
            except SourceError:
                self._parsed[path] = None
        return self._parsed[path]

    def has_parsed(self, path: str) -> bool:
        """Whether a file was parsed, and is Python."""
        return self._parsed.get(path) is not None

    def loaded(self) -> list[Module]:
        """The modules parsed so far."""
        return [module for module in self._parsed.values() if module is not None]

    def locate(self, origin: str, dotted: str) -> str | None:
        """Path of the module that `dotted` means in the file `origin`; None outside the project."""
        key = (origin.rpartition("/")[0], dotted)
        if key not in self._found:
            self._found[key] = self._locate(*key)
        return self._found[key]

    def _locate(self, folder: str, dotted: str) -> str | None:
        parts = folder.split("/") if folder else []
        name = dotted.lstrip(".")
        level = len(dotted) - len(name)
        below = name.replace(".", "/") if name else ""
        if level:
            if level - 1 > len(parts):
                return None
            return self._file("/".join(parts[: len(parts) - level + 1]), below)
        # The script's own folder, then each folder above it, then a `src` layout beside them.
        for depth in range(len(parts), -1, -1):
            base = "/".join(parts[:depth])
            for top in (base, f"{base}/src" if base else "src"):
                found = self._file(top, below)
                if found is not None:
                    return found
        # A path that a script puts on sys.path: taken if only one file fits.
        if "." in name:
            ends = (f"/{below}.py", f"/{below}/__init__.py")
            last = name.rpartition(".")[2]
            fits = [path for path in self._named.get(last, ()) if path.endswith(ends)]
            if len(fits) == 1:
                return fits[0]
        return None

    @cached_property
    def _named(self) -> dict[str, list[str]]:
        """Paths by the last name that a module is imported by."""
        found: dict[str, list[str]] = {}
        for path in self.files.python:
            stem = path.removesuffix(".py").removesuffix("/__init__")
            found.setdefault(stem.rpartition("/")[2], []).append(path)
        return found

    def _file(self, base: str, below: str) -> str | None:
        stem = "/".join(part for part in (base, below) if part)
        for path in (f"{stem}.py", f"{stem}/__init__.py") if stem else ("__init__.py",):
            if self.files.exists(path):
                return path
        return None


def _parse(path: str, text: str) -> Module:
    refuse_abyss(text)
    try:
        return lower(path, text)
    except SyntaxError as error:
        return _parse_newer(path, text, error)
    except (RecursionError, MemoryError, ValueError) as error:
        raise SourceError(f"cannot be read: {type(error).__name__}") from error


def _parse_newer(path: str, text: str, rejected: SyntaxError) -> Module:
    """Read what may be Python newer than the one that runs."""
    # Imported here: most runs never pay for libcst.
    from libcst import CSTValidationError, ParserSyntaxError

    from convdiag_lint.reading.lower_cst import lower_cst

    try:
        return lower_cst(path, text)
    except (ParserSyntaxError, CSTValidationError, RecursionError, ValueError) as error:
        raise SourceError(str(rejected.msg), rejected.lineno or 1, rejected.offset or 1) from error
