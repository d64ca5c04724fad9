"""What is written about the rules is what the rules say of themselves."""

from __future__ import annotations

import ast
import re
import runpy
import textwrap

import pytest
from helpers import ROOT, SMELLY

from convdiag_lint.rules import ALL


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
def test_metadata_are_complete_and_examples_are_python(rule) -> None:  # type: ignore[no-untyped-def]
    assert all([rule.summary.strip(), rule.seed.strip(), rule.why.strip()])
    assert "\n" not in rule.summary.strip()
    for code in (rule.example, rule.fix):
        ast.parse(textwrap.dedent(code))


def test_the_sample_of_these_tests_is_python() -> None:
    ast.parse(SMELLY)


def test_every_rule_is_in_the_changelog_or_the_pages_it_names() -> None:
    assert "docs/rules" in (ROOT / "CHANGELOG.md").read_text("utf-8")
