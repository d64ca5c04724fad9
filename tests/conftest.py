from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True, scope="session")
def _own_cache_folder(tmp_path_factory: pytest.TempPathFactory) -> object:
    """Keep the user's cache, and what it may hold, out of the tests."""
    patch = pytest.MonkeyPatch()
    patch.setenv("CONVDIAG_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
    patch.delenv("NO_COLOR", raising=False)
    yield
    patch.undo()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty repository that is also the working folder."""
    root = tmp_path / "project"
    (root / ".git").mkdir(parents=True)
    monkeypatch.chdir(root)
    return root
