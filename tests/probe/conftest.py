from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytest.importorskip("psutil")
pytest.importorskip("rich")
sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder of a script; the test's own environment stays outside."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    return folder
