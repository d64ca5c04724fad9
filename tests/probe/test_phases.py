"""Phases: the script goes back to where it was, one thing is changed, and the change tells the cause."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from runtime_probe import phases
from runtime_probe.checks.base import Status
from runtime_probe.diagnosis import course
from runtime_probe.launch.run import run
from runtime_probe.options import Options
from runtime_probe.report import Report, judge

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("torch")

TEMPLATE = """
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x = torch.randn(256, 6) * SCALE
y = torch.tanh(torch.randn(256, 6) @ torch.randn(6, 2))
model = nn.Sequential(nn.Linear(6, HIDDEN), nn.BatchNorm1d(HIDDEN), nn.ReLU(), nn.Dropout(0.1), nn.Linear(HIDDEN, 2))
optimizer = torch.optim.OPTIMIZER
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 3, 0.9)
while True:
    for a, b in DataLoader(TensorDataset(x, y), 32, shuffle=True):
        loss = nn.functional.mse_loss(model(a), b)
        CLEAR
        loss.backward()
        optimizer.step()
        scheduler.step()
"""


def probe(
    folder: Path,
    *,
    scale: str = "1.0",
    optimizer: str = "AdamW(model.parameters(), lr=1e-3)",
    clear: str = "optimizer.zero_grad()",
    norm: bool = True,
    wanted: str = "auto",
    width: int = 32,
    steps: int = 10,
) -> Report:
    text = TEMPLATE.replace("SCALE", scale).replace("OPTIMIZER", optimizer).replace("CLEAR", clear)
    if not norm:
        text = text.replace("nn.BatchNorm1d(HIDDEN), ", "")
    text = text.replace("HIDDEN", str(width))
    (folder / "train.py").write_text(text)
    os.environ["OMP_NUM_THREADS"] = "1"
    outcome = run([sys.executable, "train.py"], Options(timeout=120, phases=wanted, steps=steps))
    return judge(outcome.records, outcome.output_tail, timed_out=outcome.timed_out)


def names(report: Report) -> list[str]:
    assert report.record is not None
    return [phase.name for phase in report.record.phases]


@pytest.mark.parametrize(
    "optimizer",
    [
        "AdamW(model.parameters(), lr=1e-3)",
        "SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-3)",
        "RMSprop(model.parameters(), lr=1e-3)",
    ],
)
def test_a_phase_repeats_the_baseline_to_the_last_bit(work: Path, optimizer: str) -> None:
    report = probe(work, optimizer=optimizer, wanted="all")
    assert report.record is not None
    again = next(phase for phase in report.record.phases if phase.name == phases.UNCHANGED.name)
    # Dropout, BatchNorm's statistics, the optimizer's moments and a scheduler's rate: all went back.
    assert again.losses == report.record.losses(0)
    assert [step.rates for step in report.record.series(0, phases.UNCHANGED.name)][:10] == [
        step.rates for step in report.record.series(0)
    ]


def test_the_state_of_a_large_model_goes_through_files_and_comes_back_to_the_last_bit(work: Path) -> None:
    # Beyond five million elements (`experiments._IN_MEMORY`) copies lie in the run folder.
    report = probe(work, width=480_000, wanted="all", steps=3)
    assert report.record is not None
    assert report.record.models[0].parameters > 5_000_000
    again = next(phase for phase in report.record.phases if phase.name == phases.UNCHANGED.name)
    assert again.losses == report.record.losses(0)


def test_a_healthy_script_pays_for_one_phase(work: Path) -> None:
    assert names(probe(work)) == [phases.ZEROED.name]


def test_phases_can_be_left_out(work: Path) -> None:
    assert names(probe(work, wanted="none")) == []


def test_a_rate_that_is_too_high_is_a_cause_that_was_tried(work: Path) -> None:
    report = probe(work, optimizer="Adam(model.parameters(), lr=3.0)", norm=False)
    assert phases.SLOWER.name in names(report)
    cause = report.causes[0]
    assert (cause.check, cause.status) == ("learning-rate-too-high", Status.FAIL)
    assert any("ten times smaller" in text for text in cause.evidence_for)
    assert cause.change


def test_gradients_that_nobody_clears_are_cured_by_clearing(work: Path) -> None:
    report = probe(work, clear="pass", optimizer="SGD(model.parameters(), lr=0.3)", norm=False)
    assert report.causes[0].check == "gradients-not-cleared"
    assert phases.CLEARED.name in names(report)


def test_mixed_units_are_cured_by_standardizing(work: Path) -> None:
    report = probe(work, scale="torch.tensor([1e3, 1.0, 0.01, 1.0, 500.0, 1.0])", norm=False)
    assert report.causes[0].check == "inputs-not-normalized"
    assert any("standardizing each input" in text for text in report.causes[0].evidence_for)


def test_a_course_counts_falls_and_the_gain_ratio() -> None:
    seen = course([4.0, 3.0, 2.5, 2.6], [1.0, 1.0, 0.5])
    assert (seen.falls, seen.steps) == (2, 3)
    assert seen.ratio == pytest.approx(0.5)
    assert seen.drop == pytest.approx(0.35)


def test_a_course_with_nan_is_not_finite() -> None:
    assert not course([1.0, float("nan")], [0.1]).finite
    assert not course([], []).finite
