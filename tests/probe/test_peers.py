"""What the peers of benchmarks/faults say, in the names of this probe's checks; and their calls in program texts."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path(__file__).parents[2] / "benchmarks" / "faults"


@pytest.fixture(scope="module", autouse=True)
def _path() -> Iterator[None]:
    sys.path.insert(0, str(FOLDER))
    try:
        yield
    finally:
        sys.path.remove(str(FOLDER))


def _load(name: str) -> Any:
    return importlib.import_module(name)


@pytest.mark.parametrize(
    ("peer", "message", "causes"),
    [
        ("torch-audit", "TA100 Parameter 'a' contains NaNs or Infs.", "nan-or-inf"),
        ("torch-audit", "TA402 Weight decay (0.01) enabled on Bias parameter 'a.bias'.", ""),
        ("torchdiag", "ALL parameters are frozen", "everything-frozen loss-detached"),
        ("traintools", "inputs.0 is nearly constant (std=0)", "inputs-constant"),
        ("traintools", "targets has non-finite values (nan=3, inf=0)", "data-not-finite nan-or-inf"),
        ("torch-anomaly", "RuntimeError: Function 'LogBackward0' returned nan values in its 0th output.", "nan-or-inf"),
        ("none", "something that nobody has seen before", ""),
    ],
)
def test_a_message_names_its_causes(peer: str, message: str, causes: str) -> None:
    assert _load("peer_causes").named(peer, message)[1] == tuple(causes.split())


def test_the_causes_in_the_tables_are_checks() -> None:
    from runtime_probe.checks import ALL

    module = _load("peer_causes")
    known = {check.id for check in ALL}
    tables = (*module.TABLES.values(), module._TORCH)
    assert {cause for table in tables for _, causes in table for cause in causes.split()} <= known


def test_hints_about_speed_are_no_findings() -> None:
    assert _load("peer_causes").named("torch-audit", "TA203 Model is 100.0% FP32.") is None


def test_what_stopped_the_program_comes_first_then_what_names_a_cause() -> None:
    messages = [
        {"message": "TA402 Weight decay (0.01) enabled on Bias parameter 'a.bias'.", "level": "warn"},
        {"message": "TA402 Weight decay (0.01) enabled on Bias parameter 'b.bias'.", "level": "warn"},
        {"message": "TA103 Gradient for 'a.weight' is exactly zero", "level": "info"},
        {"message": "TA302 Input tensor has near-zero variance", "level": "warn"},
        {"message": "lr_scheduler was called too early", "level": "torch"},
        {"message": "TA000 a validator crashed", "level": "trouble"},
        {"message": "ValueError: no", "level": "stopped"},
    ]
    said = _load("peer_causes").ranked("torch-audit", messages)
    assert [item.message.split()[0] for item in said] == ["ValueError:", "TA302", "TA402", "TA103"]
    assert [item.level for item in said] == ["error", "warn", "warn", "info"]


def test_calls_are_written_into_all_programs_with_a_loop_of_their_own() -> None:
    text, peers = _load("peer_text"), _load("peers")
    families = _load("harness").families()
    asked = [family for family in families if peers.takes_calls(family)]
    assert len(asked) > len(families) / 2
    for family in asked:
        changed = text.with_calls(family.text, text.pairs(family.text))
        assert changed.count("PEER.begin(locals(), {'") == 1
        assert changed.count("PEER.backward(") == family.text.count(".backward()") > 0
        assert ".backward()" not in changed


def test_no_calls_are_put_beside_a_frameworks_trainer() -> None:
    peers = _load("peers")
    assert not any(peers.takes_calls(family) for family in _load("harness").families() if family.needs)
