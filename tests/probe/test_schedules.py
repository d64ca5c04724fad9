"""What is foretold of a schedule is what it does."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch.optim import lr_scheduler  # noqa: E402 - needs torch

from runtime_probe.tap.schedules import _factor  # noqa: E402

SCHEDULES = {
    "cosine": lambda o: lr_scheduler.CosineAnnealingLR(o, T_max=30),
    "exponential": lambda o: lr_scheduler.ExponentialLR(o, 0.97),
    "steps": lambda o: lr_scheduler.StepLR(o, 7, 0.5),
    "milestones": lambda o: lr_scheduler.MultiStepLR(o, [4, 4, 20], 0.3),
    "polynomial": lambda o: lr_scheduler.PolynomialLR(o, 25, 2.0),
    "a line": lambda o: lr_scheduler.LinearLR(o, 1.0, 0.05, total_iters=15),
    "function": lambda o: lr_scheduler.LambdaLR(o, lambda step: min(1.0, step / 10)),
}


@pytest.mark.parametrize("make", SCHEDULES.values(), ids=SCHEDULES)
def test_the_rate_of_each_step_is_foretold(make: Any) -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(2))], lr=0.4)
    schedule = make(optimizer)
    factor = _factor(schedule)
    assert factor is not None
    for step in range(40):
        assert optimizer.param_groups[0]["lr"] == pytest.approx(0.4 * factor(step), abs=1e-9), step
        optimizer.step()
        schedule.step()


def test_others_are_not_foretold() -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(2))], lr=0.4, momentum=0.9)
    assert _factor(lr_scheduler.CosineAnnealingWarmRestarts(optimizer, 5)) is None
    assert _factor(lr_scheduler.CyclicLR(optimizer, 0.1, 0.4)) is None
