"""Ten of the faults of benchmarks/faults, run for real: the right cause comes first, and healthy twins pass."""

from __future__ import annotations

import importlib
import math
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

CORE = [
    ("bc_mlp", "zero-grad-missing"),
    ("bc_mlp", "optimizer-lacks-trunk"),
    ("bc_mlp", "everything-frozen"),
    ("bc_mlp", "actions-not-normalized"),
    ("bc_mlp", "sign-flipped"),
    ("bc_mlp", "lr-x1000"),
    ("bc_mlp", "lr-tiny"),
    ("bc_mlp", "model-replaced"),
    ("bc_mlp", "init-constant"),
    ("bc_mlp", "zero-grad-before-step"),
    ("bc_mlp", "schedule-stepped-with-every-batch"),
    ("gan", "lr-x5000"),
    ("diffusion_policy", "noise-never-added"),
    ("reinforce", "sign-flipped"),
    ("reinforce", "update-uphill"),
    ("bc_bins", "view-for-transpose"),
    ("bc_bins", "batch-first-forgotten"),
    ("bc_bins", "softmax-twice"),
    ("bc_bins", "clip-on-scaled"),
    ("deep_regression", "broadcast"),
    ("deep_regression", "deep-sigmoid"),
    ("flow_policy", "time-unclamped-divided"),
    ("language_model", "mask-missing"),
    ("sequence_lstm", "bce-on-logits"),
]
HEALTHY = ["bc_mlp", "bc_bins", "flow_policy", "diffusion_policy", "image_cnn", "language_model", "reinforce", "gan"]


def test_edits_of_all_faults_apply(harness: Any) -> None:
    families = harness.families()
    assert len(families) >= 8
    for family in families:
        assert family.half in {"tune", "report"}
        names = [fault.name for fault in family.faults]
        assert len(names) == len(set(names))
        for fault in family.faults:
            fault.apply(family.text)


def test_causes_are_checks(harness: Any) -> None:
    from runtime_probe.checks import ALL

    named = {cause for family in harness.families() for fault in family.faults for cause in fault.causes}
    assert named <= {check.id for check in ALL}


@pytest.mark.parametrize(("family", "name"), CORE)
def test_the_cause_comes_first(harness: Any, zygote: Any, tmp_path: Path, family: str, name: str) -> None:
    found = harness.families([family])[0]
    fault = next(fault for fault in found.faults if fault.name == name)
    outcome = harness.judge(zygote, found, fault, 0, tmp_path)
    assert outcome.failed, outcome.note
    assert outcome.ranked[0] in fault.causes, (outcome.ranked, outcome.note)


HINTED = [
    ("flow_policy", "velocity-reversed"),
    ("bc_mlp", "activations-forgotten"),
    ("bc_mlp", "micro-batches-cleared"),
    ("dqn", "target-not-detached"),
]


@pytest.mark.parametrize(("family", "name"), HINTED)
def test_what_may_be_meant_is_said_and_fails_nothing(
    harness: Any, zygote: Any, tmp_path: Path, family: str, name: str
) -> None:
    found = harness.families([family])[0]
    fault = next(fault for fault in found.faults if fault.name == name)
    outcome = harness.judge(zygote, found, fault, 0, tmp_path)
    assert not outcome.failed
    assert outcome.ranked[0] in fault.causes, (outcome.ranked, outcome.note)


@pytest.mark.parametrize("family", HEALTHY)
def test_the_healthy_twin_passes(harness: Any, zygote: Any, tmp_path: Path, family: str) -> None:
    outcome = harness.judge(zygote, harness.families([family])[0], None, 1, tmp_path)
    assert outcome.failed == []
    assert outcome.note == ""


def test_harm_is_read_from_what_a_program_prints(harness: Any, tmp_path: Path) -> None:
    harm = importlib.import_module("harm")
    script = tmp_path / "train.py"
    script.write_text("print('untrained: 4.0'); print('epoch 1'); print('result: 1e-1')")
    assert harm._run(sys.executable, script, 0) == (4.0, 0.1)
    script.write_text("print('untrained: 4.0'); raise ValueError")
    assert all(map(math.isnan, harm._run(sys.executable, script, 0)))
