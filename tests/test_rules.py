"""Every rule on real files: each expected code stands as a comment on its line.

A case is a file `tests/rules/cvg101_*.py`, or a folder of that name if it takes several files; it
is checked for the rule in its name, for all rules if the name begins with `all_`. Each case is a
project of its own. It runs under the command and under flake8, and again with `# noqa` in place of
each expected code, when both must be silent.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest
from helpers import convdiag, flake8

CASES = Path(__file__).parent / "rules"
EXPECTED = re.compile(r"#\s*(CVG\d{3}(?:\s*,\s*CVG\d{3})*)\s*$")
NAMES = sorted(
    path.name for path in CASES.glob("*") if path.suffix == ".py" or (path.is_dir() and path.name != "__pycache__")
)


class Place(NamedTuple):
    file: str
    line: int
    code: str


class Runs(NamedTuple):
    command: set[tuple[Place, int]]
    flake8: set[tuple[Place, int]]


def codes_in(line: str) -> list[str]:
    match = EXPECTED.search(line)
    return re.split(r"\s*,\s*", match[1]) if match else []


def expected(name: str) -> set[Place]:
    case = CASES / name
    files = sorted(case.rglob("*.py")) if case.is_dir() else [case]
    return {
        Place(f"{name}/{file.relative_to(case if case.is_dir() else CASES).as_posix()}", number, code)
        for file in files
        for number, line in enumerate(file.read_text("utf-8").splitlines(), 1)
        for code in codes_in(line)
    }


def lay_out(folder: Path, *, noqa: bool) -> None:
    for name in NAMES:
        target = folder / name
        if (CASES / name).is_dir():
            shutil.copytree(CASES / name, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            target.mkdir()
            shutil.copy(CASES / name, target)
        (target / ".git").mkdir()
        if noqa:
            for file in target.rglob("*.py"):
                lines = file.read_text("utf-8").splitlines()
                silent = [EXPECTED.sub(lambda m: f"# noqa: {m[1]}", line) for line in lines]
                file.write_text("\n".join(silent) + "\n", "utf-8")


def run_both(folder: Path) -> Runs:
    done = convdiag("check", "--format", "json", *NAMES, cwd=folder)
    assert done.stderr == ""
    command = {(Place(item["path"], item["line"], item["code"]), item["column"]) for item in json.loads(done.stdout)}
    done = flake8("--isolated", "--select", "CVG", "-j1", *NAMES, cwd=folder)
    assert done.stderr == ""
    by_flake8 = set()
    for line in done.stdout.splitlines():
        path, number, column, text = line.split(":", 3)
        place = Place(Path(path).as_posix(), int(number), text.split()[0])
        by_flake8.add((place, int(column)))
    return Runs(command, by_flake8)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    folder = tmp_path_factory.mktemp("plain")
    lay_out(folder, noqa=False)
    return run_both(folder)


@pytest.fixture(scope="module")
def silenced(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    folder = tmp_path_factory.mktemp("silenced")
    lay_out(folder, noqa=True)
    return run_both(folder)


def of_case(found: set[tuple[Place, int]], name: str) -> set[Place]:
    code = name[:6].upper()
    return {
        place
        for place, _ in found
        if place.file.startswith(f"{name}/") and (name.startswith("all_") or place.code == code)
    }


@pytest.mark.parametrize("name", NAMES)
def test_the_command_finds_exactly_what_is_expected(name: str, plain: Runs) -> None:
    assert of_case(plain.command, name) == expected(name)


@pytest.mark.parametrize("name", NAMES)
def test_flake8_finds_exactly_what_is_expected(name: str, plain: Runs) -> None:
    assert of_case(plain.flake8, name) == expected(name)


@pytest.mark.parametrize("name", NAMES)
def test_noqa_silences_both(name: str, silenced: Runs) -> None:
    assert of_case(silenced.command, name) == set()
    assert of_case(silenced.flake8, name) == set()


def test_both_doors_agree_on_every_finding_and_column(plain: Runs, silenced: Runs) -> None:
    assert plain.command == plain.flake8
    assert silenced.command == silenced.flake8


@pytest.mark.parametrize("name", NAMES)
def test_a_case_is_named_after_its_rule_and_expects_nothing_else(name: str) -> None:
    from convdiag_lint.rules import ALL

    codes = {place.code for place in expected(name)}
    assert codes <= {rule.code for rule in ALL}
    if not name.startswith("all_"):
        assert name[:6].upper() in {rule.code for rule in ALL}
        assert codes <= {name[:6].upper()}


def test_every_rule_has_a_case_that_is_found_and_one_that_is_silent() -> None:
    from convdiag_lint.rules import ALL

    for rule in ALL:
        cases = [name for name in NAMES if name.startswith(rule.code.lower())]
        assert any(expected(name) for name in cases), rule.code
        assert any(not expected(name) for name in cases), rule.code
