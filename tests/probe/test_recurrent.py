"""Recurrent layers that run over samples, and states that are passed on without their gradient."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402 - needs torch

from runtime_probe.record import Features  # noqa: E402
from runtime_probe.tap.recurrent import Recurrent  # noqa: E402


def motions(samples: int = 32, steps: int = 16) -> Any:
    """Joint positions (N, T, D) that change little from step to step."""
    torch.manual_seed(0)
    return torch.randn(samples, 1, 6) + 0.1 * torch.randn(samples, steps, 6).cumsum(1)


def axis(batch_first: bool, given: Any) -> Any:
    features = Features()
    Recurrent(features).before(nn.GRU(6, 8, batch_first=batch_first), (given,), {})
    return features.wrong_axis


@pytest.mark.parametrize("batch_first", [True, False])
def test_a_layer_that_runs_over_samples_is_found(batch_first: bool) -> None:
    found = axis(batch_first, motions().transpose(0, 1) if batch_first else motions())
    assert (found.layer, found.steps) == ("GRU", int(batch_first))


@pytest.mark.parametrize(
    ("batch_first", "given"),
    [
        (True, motions()),
        (False, motions().transpose(0, 1)),
        (True, torch.randn(32, 16, 6)),
        (False, torch.randn(32, 16, 6)),
        (False, motions(samples=2)),
        (True, torch.arange(40.0)[:, None, None] + torch.arange(16.0)[:, None] + torch.randn(40, 16, 6)),
        (False, motions()[:1, :1]),
        (False, torch.zeros(32, 16, 6)),
        (True, torch.sin(0.26 * (torch.arange(40)[:, None, None] + torch.arange(48)[:, None] + torch.arange(6)))),
        (True, motions(steps=32)[0, :, None].expand(32, 16, 6)),
    ],
    ids=[
        "batch first",
        "time first",
        "noise",
        "noise, time first",
        "two",
        "windows in order",
        "one step",
        "zeros",
        "days",
        "one vector for all steps",
    ],
)
def test_a_layer_that_runs_over_steps_or_cannot_be_told_is_left_alone(batch_first: bool, given: Any) -> None:
    assert axis(batch_first, given) is None


def test_joints_of_frames_in_order_are_not_the_samples_of_the_model() -> None:
    features = Features()
    joints = torch.randn(1, 17, 3) + 0.05 * torch.randn(64, 17, 3).cumsum(0)
    Recurrent(features).before(nn.GRU(3, 8, batch_first=True), (joints,), {}, [(8, 8, 17, 3)])
    assert features.wrong_axis is None


def carried(module: nn.Module, passes_on: Any, rounds: int = 1, between: Any = lambda _: None) -> Any:
    """Where states are called detached, after a layer has been called four times a round, as scripts do."""
    torch.manual_seed(0)
    watch = Recurrent(Features())
    state: Any = None
    for _ in range(rounds):
        for step in range(4):
            given = torch.randn(3, 6) if isinstance(module, nn.RNNCellBase) else torch.randn(1, 3, 6)
            arguments = (given,) if state is None else (given, state)
            watch.before(module, arguments, {})
            output = module(*arguments)
            watch.after(module, output)
            state = output[1] if isinstance(module, nn.RNNBase) else output
            state = passes_on(state, step)
        between(watch)
    watch.before_backward()
    return watch.features.state_detached


def detached(state: Any, step: int) -> Any:
    return tuple(s.detach() for s in state) if isinstance(state, tuple) else state.detach()


@pytest.mark.parametrize("module", [nn.GRU(6, 8), nn.LSTM(6, 8), nn.GRUCell(6, 8), nn.LSTMCell(6, 8)])
def test_states_that_lose_their_gradient_at_each_step_are_found(module: nn.Module) -> None:
    assert carried(module, detached) is not None
    assert carried(module, lambda state, _: state) is None


def test_states_that_are_begun_anew_are_no_states_passed_on() -> None:
    assert carried(nn.GRU(6, 8), lambda state, _: torch.zeros_like(state)) is None
    assert carried(nn.GRU(6, 8), lambda *_: None) is None


def test_states_of_acting_beside_a_sequence_that_is_learnt_as_a_whole_are_left_alone() -> None:
    layer = nn.GRU(6, 8)

    def learn(watch: Recurrent) -> None:
        whole = torch.randn(10, 3, 6)
        watch.before(layer, (whole,), {})
        watch.after(layer, layer(whole))

    assert carried(layer, detached, between=learn) is None


def test_truncated_backpropagation_is_left_alone() -> None:
    assert carried(nn.GRU(6, 8), lambda state, step: state.detach() if step == 3 else state, rounds=3) is None
    each = carried(
        nn.GRU(6, 8), lambda state, step: state.detach() if step == 3 else state, 3, Recurrent.before_backward
    )
    assert each is None
