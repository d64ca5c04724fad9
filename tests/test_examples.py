"""The examples show what they say they show."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from helpers import ROOT

from convdiag_lint.cli import main
from convdiag_lint.rules import ALL

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLES = ROOT / "examples"
TWINS = sorted(path.name for path in (EXAMPLES / "broken").glob("cvg*"))


def codes(folder: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    main(["check", "--format", "json", str(folder)])
    return [item["code"] for item in json.loads(capsys.readouterr().out)]


def test_the_healthy_package_is_clean(capsys: pytest.CaptureFixture[str]) -> None:
    assert codes(EXAMPLES / "healthy", capsys) == []


@pytest.mark.parametrize("twin", TWINS)
def test_a_twin_has_the_one_thing_wrong_that_it_is_named_after(twin: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert codes(EXAMPLES / "broken" / twin, capsys) == [twin[:6].upper()]


def test_every_rule_has_a_twin_and_the_table_names_it() -> None:
    assert {twin[:6].upper() for twin in TWINS} == {rule.code for rule in ALL}
    table = (EXAMPLES / "README.md").read_text("utf-8")
    assert [twin for twin in TWINS if twin not in table] == []
