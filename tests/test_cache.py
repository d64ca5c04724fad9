"""Findings of earlier runs: never wrong, and never a reason to fail."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from helpers import CLIP, HEALTHY, NOT_TRAINING, SMELLY, STEP
from hypothesis import given
from hypothesis import strategies as st

from convdiag_lint import analysis, cache
from convdiag_lint.cache import Cache, Entry
from convdiag_lint.cli import main
from convdiag_lint.events import Evidence, Finding

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CONVDIAG_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def analysed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Paths of files that were analysed and not remembered."""
    paths: list[str] = []
    original: Callable[[analysis.Analyser, str], list[Finding]] = analysis.Analyser.findings

    def findings(self: analysis.Analyser, path: str) -> list[Finding]:
        paths.append(path)
        return original(self, path)

    monkeypatch.setattr(analysis.Analyser, "findings", findings)
    return paths


def test_a_second_run_analyses_nothing_and_finds_the_same(
    project: Path, folder: Path, analysed: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("train.py").write_text(SMELLY)
    outputs = []
    for _ in range(2):
        assert main(["check", "--verbose", "."]) == 1
        outputs.append(capsys.readouterr().out)
    assert outputs[0] == outputs[1]
    assert analysed == ["train.py"]


def test_a_changed_file_is_analysed_anew(project: Path, folder: Path, analysed: list[str]) -> None:
    Path("train.py").write_text(SMELLY)
    assert main(["check", "."]) == 1
    Path("train.py").write_text(HEALTHY)
    assert main(["check", "."]) == 0


def test_a_changed_neighbour_counts(project: Path, folder: Path, analysed: list[str]) -> None:
    call = "        prepare(model)\n"
    Path("train.py").write_text("from helper import prepare\n" + SMELLY.replace(STEP, call + STEP))
    clip = CLIP.strip()
    Path("helper.py").write_text(f"import torch\n\n\ndef prepare(model):\n    {clip}\n")
    assert main(["check", "train.py"]) == 0
    Path("helper.py").write_text("def prepare(model):\n    pass\n")
    assert main(["check", "train.py"]) == 1
    assert analysed == ["train.py", "train.py"]


def test_a_file_that_trains_nothing_is_never_analysed(project: Path, folder: Path, analysed: list[str]) -> None:
    Path("util.py").write_text(NOT_TRAINING)
    assert main(["check", "."]) == 0
    assert analysed == []


@pytest.mark.parametrize("switch", ["option", "environment"])
def test_no_cache_neither_reads_nor_writes(
    project: Path, folder: Path, analysed: list[str], monkeypatch: pytest.MonkeyPatch, switch: str
) -> None:
    Path("train.py").write_text(SMELLY)
    if switch == "environment":
        monkeypatch.setenv("CONVDIAG_NO_CACHE", "1")
    options = ["--no-cache"] if switch == "option" else []
    for _ in range(2):
        assert main(["check", *options, "."]) == 1
    assert analysed == ["train.py", "train.py"]
    assert not folder.exists()


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"text": 1}',
        b"\xff",
        b"[" * 100_000,
        b'{"text":"TEXT","project":"","findings":[1]}',
    ],
)
def test_a_damaged_entry_is_as_good_as_none(project: Path, folder: Path, analysed: list[str], damage: bytes) -> None:
    Path("train.py").write_text(SMELLY)
    assert main(["check", "."]) == 1
    for entry in folder.rglob("*.json"):
        text = json.loads(entry.read_bytes())["text"]
        entry.write_bytes(damage.replace(b"TEXT", text.encode()))
    assert main(["check", "."]) == 1
    assert len(analysed) == 2


def test_a_folder_that_cannot_be_written_is_no_reason_to_fail(
    project: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder.write_text("a file where the folder should be")
    Path("train.py").write_text(SMELLY)
    assert main(["check", "."]) == 1
    assert capsys.readouterr().err == ""


def test_nothing_half_written_stays(project: Path, folder: Path) -> None:
    Path("train.py").write_text(SMELLY)
    main(["check", "."])
    assert not list(folder.rglob("*.tmp"))


def test_old_entries_are_removed_and_new_ones_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    store = Cache()
    store.store("/root", "old.py", Entry("text", "project", []))
    (old,) = folder.rglob("*.json")
    os.utime(old, (1, 1))
    store.store("/root", "new.py", Entry("text", "project", []))
    store.prune()
    assert not old.exists()
    assert store.load("/root", "new.py") == Entry("text", "project", [])


TEXT = st.text(max_size=20)
NUMBER = st.integers(min_value=0, max_value=10**6)
FINDINGS = st.lists(
    st.builds(
        Finding, TEXT, NUMBER, NUMBER, NUMBER, NUMBER, TEXT, TEXT, TEXT, TEXT,
        st.lists(st.builds(Evidence, TEXT, NUMBER, TEXT), max_size=2).map(tuple), st.booleans(),
    ),
    max_size=3,
)  # fmt: skip


@given(FINDINGS)
def test_findings_come_back_as_they_were(tmp_path_factory: pytest.TempPathFactory, findings: list[Finding]) -> None:
    store = Cache(tmp_path_factory.getbasetemp() / "roundtrip")
    entry = Entry("text", "project", findings)
    store.store("root", "path", entry)
    assert store.load("root", "path") == entry
    assert store.load("root", "another path") is None


def test_the_state_of_the_installed_rules_is_part_of_the_key() -> None:
    assert cache.tag().startswith("0.")
    assert len(cache.tag().split("-")) == 3
