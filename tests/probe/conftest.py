from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

pytest.importorskip("psutil")
pytest.importorskip("rich")
sys.path.insert(0, str(Path(__file__).parent))
FAULTS = Path(__file__).parents[2] / "benchmarks" / "faults"


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder of a script; the test's own environment stays outside."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    return folder


@pytest.fixture(scope="session")
def harness() -> Iterator[Any]:
    """The fault benchmark's."""
    sys.path.insert(0, str(FAULTS))
    try:
        yield importlib.import_module("harness")
    finally:
        sys.path.remove(str(FAULTS))


@pytest.fixture(scope="session")
def zygote(harness: Any) -> Iterator[Any]:
    """Runs scripts under the probe, each in a fork of a process that has imported torch."""
    # Not imported here: this process must stay free of torch, whose forks share what it has started.
    if importlib.util.find_spec("torch") is None:
        pytest.skip("needs torch")
    made = harness.Zygote(sys.executable)
    yield made
    made.close()
