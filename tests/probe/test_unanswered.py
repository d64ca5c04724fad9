"""Comparisons with targets that count in a loss, and of which no gradient comes back."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402 - needs torch

from runtime_probe.record import Features, Where  # noqa: E402
from runtime_probe.tap import parts  # noqa: E402
from runtime_probe.tap.unanswered import Unanswered  # noqa: E402

LINE = Where("train.py", 12)


class Iteration:
    """Two outputs of one layer, a mean and a logarithm of a variance, and what a script makes of them."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.watch = Unanswered(Features())
        self.mean, self.spread = nn.Linear(4, 6)(torch.randn(8, 4)).chunk(2, dim=-1)
        self.target = self.made_of(torch.randn(8, 3), "pose")

    def made_of(self, value: Any, *names: str) -> Any:
        setattr(value, parts._FROM, frozenset(names))
        return value

    def compared(self, given: Any, target: Any = None) -> None:
        target = self.target if target is None else target
        self.watch.note_compared(given, target, LINE, [self.mean, self.spread])

    def found(self, loss: Any, *names: str) -> Where | None:
        loss.backward()
        self.watch.note_backward(self.made_of(loss, *names))
        self.watch.forget()
        return self.watch.features.unanswered


def likelihood(error: Any, spread: Any) -> Any:
    return (error**2 * torch.exp(-spread) + spread).mean()


@pytest.mark.parametrize("detached", [True, False])
def test_an_error_that_was_detached_is_found(detached: bool) -> None:
    step = Iteration()
    step.compared(step.mean)
    error = step.mean - step.target
    found = step.found(likelihood(error.detach() if detached else error, step.spread), "pose")
    assert found == (LINE if detached else None)


def test_a_slice_of_an_output_is_part_of_it() -> None:
    step = Iteration()
    given = step.mean[:, :2] * 2
    step.compared(given, step.made_of(step.target[:, :2], "pose"))
    assert step.found(likelihood((given - step.target[:, :2]).detach(), step.spread[:, :2]), "pose") == LINE


def test_what_is_only_printed_is_left_alone() -> None:
    step = Iteration()
    step.compared(step.mean)
    assert step.found((step.spread - 1).square().mean(), "other") is None


def test_an_output_that_is_trained_in_another_way_is_left_alone() -> None:
    step = Iteration()
    step.compared(step.mean * 1.0)
    assert step.found(torch.logaddexp(step.mean, step.target).mean(), "pose") is None


def test_an_error_that_is_printed_beside_the_one_that_is_learnt_is_left_alone() -> None:
    step = Iteration()
    step.compared(step.spread)
    step.compared(step.mean)
    assert step.found((step.mean - step.target).square().mean(), "pose") is None


def test_a_weight_of_zero_is_a_gradient_all_the_same() -> None:
    step = Iteration()
    step.compared(step.mean)
    loss = 0.0 * (step.mean - step.target).square().mean() + step.spread.square().mean()
    assert step.found(loss, "pose") is None
