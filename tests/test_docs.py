"""What is written about rules and checks is what they say of themselves."""

from __future__ import annotations

import ast
import re
import runpy
import textwrap
from typing import TYPE_CHECKING

import pytest
from helpers import ROOT, SMELLY

from convdiag_lint.rules import ALL
from runtime_probe import thresholds
from runtime_probe.checks import ALL as CHECKS
from runtime_probe.output import manual

if TYPE_CHECKING:
    from convdiag_lint.rules.base import Rule


def test_generated_files_are_up_to_date() -> None:
    outdated = runpy.run_path(str(ROOT / "docs" / "generate.py"))["outdated"]
    assert outdated() == [], "run `make docs`"


def test_codes_and_names_are_unique_ordered_and_such_as_flake8_takes() -> None:
    codes = [rule.code for rule in ALL]
    assert codes == sorted(set(codes))
    assert len({rule.name for rule in ALL}) == len(ALL)
    for rule in ALL:
        assert re.fullmatch(r"CVG[1-9]\d\d", rule.code)
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", rule.name)


@pytest.mark.parametrize("rule", ALL, ids=lambda rule: rule.code)
def test_metadata_are_complete_and_examples_are_python(rule: Rule) -> None:
    assert all([rule.summary.strip(), rule.seed.strip(), rule.why.strip()])
    assert "\n" not in rule.summary.strip()
    for code in (rule.example, rule.fix):
        ast.parse(textwrap.dedent(code))


def test_the_sample_of_these_tests_is_python() -> None:
    ast.parse(SMELLY)


def test_every_rule_is_in_the_changelog_or_the_pages_it_names() -> None:
    assert "docs/rules" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_checks_have_names_of_their_own_and_say_what_they_are() -> None:
    assert len({check.id for check in CHECKS}) == len({check.title for check in CHECKS}) == len(CHECKS)
    assert [check.step for check in CHECKS] == sorted(check.step for check in CHECKS)
    for check in CHECKS:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", check.id)
        assert check.why.endswith((".", ")"))
        assert len(check.title) <= 40
        assert f"### {check.id}\n" in manual.page()


def test_every_check_has_a_file_of_its_own() -> None:
    files = (ROOT / "runtime_probe" / "checks").glob("*.py")
    assert sum("CHECK = Check(" in path.read_text("utf-8") for path in files) == len(CHECKS)


def test_every_threshold_is_used_and_says_why() -> None:
    room = ROOT / "runtime_probe"
    text = "".join(path.read_text("utf-8") for path in room.rglob("*.py") if path.name != "thresholds.py")
    for name in vars(thresholds):
        if name.isupper():
            assert re.search(rf"\bt\.{name}\b", text), name
