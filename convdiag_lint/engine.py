"""Files in, findings out: the cheap answers first, each file's trouble kept to itself."""

from __future__ import annotations

import hashlib
import os
import stat
import traceback
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from convdiag_lint import __version__
from convdiag_lint.cache import Cache, Entry
from convdiag_lint.discovery import reason
from convdiag_lint.garbage import uncollected
from convdiag_lint.noqa import unsilenced
from convdiag_lint.project.files import LARGEST, ProjectFiles, find_root
from convdiag_lint.reading.gate import may_train
from convdiag_lint.settings import Settings, settings_for
from convdiag_lint.validity import Problem, problem_in

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from convdiag_lint.analysis import Analyser
    from convdiag_lint.events import Finding


@dataclass(frozen=True, slots=True)
class Report:
    """What came of one file: findings in order, or the reason why there are none."""

    path: str
    findings: tuple[Finding, ...] = ()
    problem: Problem | None = None
    lines: tuple[str, ...] = ()
    """The text of the file, where there are findings to show in it."""


@dataclass(frozen=True, slots=True)
class Result:
    """Findings of one file as the rules gave them: nothing filtered, paths from the root."""

    root: str
    findings: tuple[Finding, ...] = ()
    problem: Problem | None = None


class Checker:
    """Checks files of any number of projects in this process, and remembers what it has read."""

    def __init__(self, cache: Cache | None) -> None:
        self._cache = cache
        self._here = Path.cwd()
        self._put: set[str] = set()
        self._places: dict[str, tuple[ProjectFiles, str]] = {}
        self._roots: dict[Path, Path] = {}
        self._files: dict[Path, ProjectFiles] = {}
        self._analysers: dict[Path, Analyser] = {}
        self._fingerprints: dict[Path, str] = {}

    def put(self, path: str, data: bytes) -> None:
        """Take `data` for the text of a file, whatever is on disk."""
        files, relative = self._locate(path)
        files.overlay(relative, data)
        self._put.add(path)
        # What was read of the project was read with the old text.
        self._analysers.pop(files.root, None)
        self._fingerprints.pop(files.root, None)

    def read(self, path: str) -> bytes:
        """Return the bytes of a file as the check sees them; raises OSError."""
        files, relative = self._locate(path)
        data = files.read(relative)
        if data or path in self._put:
            return data
        # What cannot be read also reads as nothing; ask the system which of the two it is.
        full = files.root / relative
        status = full.stat()
        if not stat.S_ISREG(status.st_mode):
            raise OSError(0, "not a regular file")
        if status.st_size > LARGEST:
            raise OSError(0, f"larger than {LARGEST // 1_000_000} MB")
        if status.st_size:
            data = full.read_bytes()
            files.overlay(relative, data)
        return data

    def known(self, path: str) -> Result | None:
        """Answer without looking further, if the file cannot be read or an earlier run knew it."""
        files, relative = self._locate(path)
        root = str(files.root)
        try:
            data = self.read(path)
        except OSError as error:
            return Result(root, problem=Problem(f"cannot be read: {reason(error)}"))
        findings = self._kept(files, relative, data)
        return None if findings is None else Result(root, tuple(findings))

    def may_train(self, path: str) -> bool:
        """Whether a file takes an analysis."""
        return may_train(self.read(path))

    def full(self, path: str) -> Result:
        """Answer, whatever it takes."""
        known = self.known(path)
        if known is not None:
            return known
        return self.analysed(path) if self.may_train(path) else self.plain(path)

    def plain(self, path: str) -> Result:
        """Answer for a file that trains nothing: it has no findings, but it may not be Python."""
        files, relative = self._locate(path)
        data = files.read(relative)
        analyser = self._analysers.get(files.root)
        if analyser is None or not analyser.has_read(relative):
            problem = problem_in(data)
            if problem is not None:
                return Result(str(files.root), problem=problem)
        return self._keep(files, relative, data, [], project="")

    def analysed(self, path: str) -> Result:
        """Answer by an analysis; a file that cannot be analysed becomes a problem, in words."""
        # Most runs can do without what the analyser brings along.
        from convdiag_lint.analysis import Analyser, SourceError  # noqa: PLC0415

        files, relative = self._locate(path)
        root = str(files.root)
        analyser = self._analysers.get(files.root)
        if analyser is None:
            analyser = self._analysers[files.root] = Analyser(files)
        try:
            found = analyser.findings(relative)
            # What stands in a neighbour is said when the neighbour is checked, and only then:
            # flake8 can report nothing else.
            findings = sorted(finding for finding in found if finding.path == relative)
        except SourceError as error:
            # Python's own words for it, where it has some, are the ones that people know.
            problem = problem_in(files.read(relative))
            return Result(root, problem=problem or Problem(str(error), error.line, error.column))
        except RecursionError:
            return Result(root, problem=Problem("too deeply nested to be analysed"))
        except Exception as error:  # noqa: BLE001 - one file's trouble must not end the run
            return Result(root, problem=Problem(_defect(error)))
        project = self._fingerprint(files) if self._cache else ""
        return self._keep(files, relative, files.read(relative), findings, project=project)

    def _kept(self, files: ProjectFiles, relative: str, data: bytes) -> list[Finding] | None:
        """Findings of an earlier run, if it saw the same text in the same project."""
        entry = self._cache.load(str(files.root), relative) if self._cache else None
        if entry is None or entry.text != _digest(data):
            return None
        # A file that trains nothing was stored with no project: it stands alone.
        if entry.project and entry.project != self._fingerprint(files):
            return None
        return entry.findings

    def _keep(
        self,
        files: ProjectFiles,
        relative: str,
        data: bytes,
        findings: list[Finding],
        *,
        project: str,
    ) -> Result:
        root = str(files.root)
        if self._cache:
            self._cache.store(root, relative, Entry(_digest(data), project, findings))
        return Result(root, tuple(findings))

    def _locate(self, path: str) -> tuple[ProjectFiles, str]:
        """The project of a file and the file's place in it."""
        if path not in self._places:
            self._places[path] = self._find_place(path)
        return self._places[path]

    def _find_place(self, path: str) -> tuple[ProjectFiles, str]:
        full = Path(os.path.realpath(path))
        root = self._roots.get(full.parent)
        if root is None:
            root = self._roots[full.parent] = find_root(full, self._here)
        files = self._files.get(root)
        if files is None:
            files = self._files[root] = ProjectFiles(root)
        return files, full.relative_to(files.root).as_posix()

    def _fingerprint(self, files: ProjectFiles) -> str:
        if files.root not in self._fingerprints:
            self._fingerprints[files.root] = files.fingerprint()
        return self._fingerprints[files.root]


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _defect(error: Exception) -> str:
    """Say in one line what went wrong in this project, and where."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    what = f"{type(error).__name__}: {error}".splitlines()[0]
    return (
        f"could not be analysed, a defect of convdiag-lint {__version__}"
        f" ({what}, {Path(place.filename).name}:{place.lineno})"
    )


def check(
    paths: Sequence[str],
    *,
    cache: Cache | None = None,
    jobs: int = 1,
    adjust: Callable[[Settings], Settings] = lambda settings: settings,
    stdin: tuple[str, bytes] | None = None,
) -> list[Report]:
    """Check files and return one report for each, in the order of `paths`.

    Args:
        paths: Files; discovery makes them from folders.
        cache: Where earlier findings are kept, if anywhere.
        jobs: The most processes to use.
        adjust: Puts a command line's options over the settings of a file's project.
        stdin: Name and bytes of a text that takes the place of what is on disk.

    Raises:
        SettingsError: a pyproject.toml cannot be used.
    """
    checker = Checker(cache)
    if stdin:
        checker.put(*stdin)
    settings = {path: adjust(settings_for(Path(os.path.realpath(path)).parent)) for path in paths}
    with uncollected():
        results = {path: checker.known(path) for path in paths}
        waiting = [path for path in paths if results[path] is None and checker.may_train(path)]
        if jobs > 1 and len(waiting) > jobs and not stdin:
            from convdiag_lint.workers import spread  # noqa: PLC0415 - most runs need no processes

            results.update(spread(waiting, jobs, cached=cache is not None))
        # First what is analysed: most of the other files are read on the way, and then known to be Python.
        for path in waiting:
            results[path] = results[path] or checker.analysed(path)
        reports = []
        for path in paths:
            result = results[path] or checker.plain(path)
            reports.append(_report(path, result, settings[path], checker))
    if cache and waiting:
        cache.prune()
    return reports


def _report(path: str, result: Result, settings: Settings, checker: Checker) -> Report:
    """Filter what one file gave by settings and comments, with paths as the user wrote them."""
    wanted = [
        finding
        for finding in result.findings
        if settings.wants(finding.code, path) and (settings.show_unsure or not finding.unsure)
    ]
    if not wanted:
        return Report(path, problem=result.problem)
    from convdiag_lint.lines import lines_of  # noqa: PLC0415 - only where there is something to show

    data = checker.read(path)
    shown = tuple(_placed(finding, path, result.root) for finding in unsilenced(wanted, data))
    return Report(path, shown, result.problem, tuple(lines_of(data)) if shown else ())


def _placed(finding: Finding, path: str, root: str) -> Finding:
    """The finding with paths from the working folder, or absolute ones where the user's was."""
    return replace(
        finding,
        path=path,
        evidence=tuple(
            replace(item, path=path if item.path == finding.path else _shown(root, item.path, path))
            for item in finding.evidence
        ),
    )


def _shown(root: str, relative: str, like: str) -> str:
    full = os.path.join(root, relative)
    return full if os.path.isabs(like) else os.path.relpath(full)
