"""The fixture `smoke_probe`, in runs of pytest of their own."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest
from helpers import ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Callable

pytest_plugins = ["pytester"]
# Not importorskip: pytester forgets modules after each test, and torch cannot be imported twice.
needs_torch = pytest.mark.skipif(find_spec("torch") is None, reason="torch is not installed")

HEAD = """
import torch
from torch import nn
from torch.nn import functional

BATCH = torch.randn(8, 9), torch.randn(8, 4)

def loss_fn(model, batch):
    return functional.mse_loss(model(batch[0]), batch[1])

"""


@pytest.fixture
def outcome(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Callable[..., pytest.RunResult]:
    """Run a test module with this plugin and no other."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))

    def run(source: str) -> pytest.RunResult:
        pytester.makepyfile(test_it=source)
        return pytester.runpytest_subprocess(
            "-p", "runtime_probe.pytest_plugin", "-W", "error", "-p", "no:cacheprovider"
        )

    return run


def test_a_run_without_it_imports_no_torch(outcome: Callable[..., pytest.RunResult]) -> None:
    source = """
    import sys
    def test_nothing(smoke_probe):
        assert not {"torch", "numpy", "libcst", "rich", "runtime_probe.report"} & sys.modules.keys()
    """
    outcome(source).assert_outcomes(passed=1)


def test_it_is_declared_to_pytest() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["pytest11"] == {"convdiag": "runtime_probe.pytest_plugin"}


@needs_torch
def test_a_healthy_model_passes_and_gives_its_report(outcome: Callable[..., pytest.RunResult]) -> None:
    source = """
def test_policy(smoke_probe):
    report = smoke_probe(nn.Sequential(nn.Linear(9, 32), nn.ReLU(), nn.Linear(32, 4)), loss_fn, BATCH, steps=5)
    assert report.status == "healthy"
    assert len(report.record.losses(0)) == 6
"""
    outcome(HEAD + source).assert_outcomes(passed=1)


@needs_torch
def test_failed_checks_are_the_message(outcome: Callable[..., pytest.RunResult]) -> None:
    source = """
def test_detached(smoke_probe):
    smoke_probe(nn.Linear(9, 4), lambda model, batch: loss_fn(model, batch).detach(), BATCH)

def test_negated(smoke_probe):
    smoke_probe(nn.Linear(9, 4), lambda model, batch: -loss_fn(model, batch), BATCH)

def test_tolerated(smoke_probe):
    report = smoke_probe(nn.Linear(9, 4), lambda model, batch: -loss_fn(model, batch), BATCH, allow=("loss-negated",))
    assert report.status == "failed"

def test_misspelt(smoke_probe):
    smoke_probe(nn.Linear(9, 4), loss_fn, BATCH, allow="loss-negatd")
"""
    result = outcome(HEAD + source)
    result.assert_outcomes(passed=1, failed=3)
    result.stdout.fnmatch_lines(["E * FAIL loss-detached: backward() was called on a loss *"])
    result.stdout.fnmatch_lines(["E * FAIL loss-negated: *"])
    result.stdout.fnmatch_lines(["E * ValueError: no such check: loss-negatd"])
    # The test's own line, none of the plugin's.
    assert "smoke_probe(nn.Linear(9, 4), lambda model, batch: -loss_fn" in result.stdout.str()
    assert "plain.problems" not in result.stdout.str()
