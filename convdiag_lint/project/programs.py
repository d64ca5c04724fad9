"""The program that a module is part of: what imports it and what it imports, told from the text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from convdiag_lint.project.program import Program

_SAVES = re.compile(
    rb"torch\.save\(|save_checkpoint|save_model|save_pretrained|ModelCheckpoint|save_state\(|save_file\("
    rb"|(?<!np)(?<!numpy)\.save\(|\bTrainer\(|save_weights"
)
_TRAINS = re.compile(rb"backward\(|training_step|\bTrainer\(|\.minimize\(|\.learn\(")
APPLIES = re.compile(rb"-[^\n#]{1,80}\)\s*/|\.sub_?\([^\n]*\.div_?\(|/=|div(?:ide)?\(")
"""Text that divides a difference, or subtracts and divides in place: what normalizing looks like."""
_IMPORT = re.compile(
    rb"^[ \t]*(?:from[ \t]+([.\w]+)[ \t]+import[ \t]+\(?([^#\n]*)|import[ \t]+([\w. ,]+))", re.MULTILINE
)
_SCRIPT = re.compile(rb"__name__\s*==")
_CLASS = re.compile(rb"^[ \t]*class[ \t]+(\w+)", re.MULTILINE)
_TESTS = re.compile(r"(?:^|/)tests?[/_]")


def imports(program: Program) -> dict[str, frozenset[str]]:
    """The files of the project that each file imports, read from its text alone."""
    known: dict[str, frozenset[str]] | None = program.facts.get("imports")
    if known is None:
        known = program.facts["imports"] = {path: frozenset(_imported(program, path)) for path in program.files.python}
    return known


def _imported(program: Program, path: str) -> Iterator[str]:
    locate = program.modules.locate
    for match in _IMPORT.finditer(program.files.read(path)):
        origin, names, plain = (part.decode("utf-8", "replace") if part else "" for part in match.groups())
        for dotted in plain.split(","):
            found = locate(path, dotted.split(" as ")[0].strip()) if dotted.strip() else None
            if found:
                yield found
        if not origin:
            continue
        found = locate(path, origin)
        if found:
            yield found
        for name in re.findall(r"\w+", names):
            below = locate(path, f"{origin}{name}" if origin.endswith(".") else f"{origin}.{name}")
            if below:
                yield below


def importers(program: Program) -> dict[str, set[str]]:
    """The files that import each file."""
    known: dict[str, set[str]] | None = program.facts.get("importers")
    if known is None:
        known = program.facts["importers"] = {}
        for path, targets in imports(program).items():
            for target in targets:
                known.setdefault(target, set()).add(path)
    return known


def closure(start: set[str], step: Callable[[str], Iterator[str] | set[str] | frozenset[str]]) -> set[str]:
    """Everything that steps from the start lead to, the start included."""
    found, queue = set(start), sorted(start)
    for path in queue:
        for other in sorted(step(path)):
            if other not in found:
                found.add(other)
                queue.append(other)
    return found


def program_of(program: Program, path: str) -> list[str]:
    """The files of the programs that a file takes part in: its importers, and what they import.

    A script is a program of its own. A class that no script imports may be named in a config, and
    then the whole project is its program.
    """
    known: dict[str, list[str]] = program.facts.setdefault("program of", {})
    if path not in known:
        known[path] = _program_of(program, path)
    return known[path]


def _program_of(program: Program, path: str) -> list[str]:
    down, above = imports(program), importers(program)
    start = {path}
    if not _is_script(program, path):
        start = {p for p in closure(start, lambda p: above.get(p, set())) if p == path or not _TESTS.search(p)}
        if not any(_is_script(program, p) for p in start):
            return list(program.files.python) if _in_config(program, start) else [path]
    return sorted(closure(start, lambda p: down.get(p, frozenset())))


def _is_script(program: Program, path: str) -> bool:
    text = program.files.read(path)
    if _SCRIPT.search(text) is not None:
        return _TRAINS.search(text) is not None or not importers(program).get(path)
    return _TRAINS.search(text) is not None and not _CLASS.search(text)


def _in_config(program: Program, paths: set[str]) -> bool:
    """Whether a class of these files is named in a config, or in a string of the code."""
    names = {name for path in paths for name in _CLASS.findall(program.files.read(path))}
    if not names:
        return False
    named = re.compile(rb"[\"'.:\s](?:" + b"|".join(sorted(names)) + rb")[\"'\s]")
    quoted = re.compile(rb"[\"'][\w.]*\b(?:" + b"|".join(sorted(names)) + rb")[\"']")
    files = program.files
    return any(named.search(files.read(p)) for p in files.configs) or any(
        quoted.search(files.read(p)) for p in files.python if p not in paths
    )


def neighbours(program: Program, path: str) -> list[str]:
    """A file, those that import it, and what they import: where its statistics may be applied."""
    down, above = imports(program), importers(program)
    near = closure({path}, lambda p: above.get(p, set()) if p == path else set())
    near |= {other for p in sorted(near)[:12] for other in down.get(p, ())}
    return [
        path,
        *[p for p in sorted(near) if p != path and APPLIES.search(program.files.read(p))][:20],
    ]


def saves_checkpoint(program: Program, paths: list[str]) -> bool:
    """Whether any of these files saves a model."""
    return any(_SAVES.search(program.files.read(p)) for p in paths)


def trains(program: Program, paths: list[str]) -> bool:
    """Whether any of these files takes a training step."""
    return any(_TRAINS.search(program.files.read(p)) for p in paths)
