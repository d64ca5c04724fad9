"""Returns of rollouts and targets of sampled transitions, as scripts compute them, right and wrong."""

from __future__ import annotations

import random
from typing import Any

import pytest

torch = pytest.importorskip("torch")
np = pytest.importorskip("numpy")

from runtime_probe.tap import returns  # noqa: E402 - needs torch
from runtime_probe.tap.returns import cut_off, look  # noqa: E402
from runtime_probe.tap.rewards import unread_ends  # noqa: E402


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine must not decide what is found."""
    monkeypatch.setattr(returns, "_SECONDS", 60.0)


STEPS, ENVS, GAMMA, LAMBDA = 64, 3, 0.97, 0.9


def rollout(seed: int = 0) -> tuple[Any, Any, Any, Any]:
    rng = np.random.default_rng(seed)
    return (
        rng.normal(size=(STEPS, ENVS)),
        rng.normal(size=(STEPS, ENVS)),
        rng.random((STEPS, ENVS)) < 0.1,
        rng.normal(size=ENVS),
    )


def gae(how: str) -> Any:
    rewards, values, dones, next_value = rollout()
    advantages, last = np.zeros_like(rewards), 0.0
    for t in range(STEPS) if how == "forwards" else reversed(range(STEPS)):
        alive = 1.0 if how == "through ends" else dones[t] if how == "inverted" else 1.0 - dones[t]
        following = values[t] if how == "same value" else next_value
        delta = rewards[t] + GAMMA * following * alive - values[t]
        advantages[t] = last = delta + GAMMA * LAMBDA * alive * last
        next_value = values[t]
    return look()


def test_generalized_advantages_that_are_right() -> None:
    found = gae("right")
    assert found.later
    assert not found.ends_ignored
    assert found.discount == pytest.approx(GAMMA)
    assert found.of_the_same == pytest.approx(0.0, abs=1e-6)


def test_returns_through_the_ends_of_episodes() -> None:
    assert gae("through ends").ends_ignored


def test_returns_that_look_ahead_at_the_ends_of_episodes_only() -> None:
    assert gae("inverted").bare
    assert not gae("right").bare


def test_returns_that_look_back() -> None:
    assert not gae("forwards").later


def test_values_of_the_same_step() -> None:
    assert gae("same value").of_the_same == pytest.approx(GAMMA)


@pytest.mark.parametrize("standardized", [True, False])
@pytest.mark.parametrize("turned", [True, False])
def test_returns_of_an_episode_standardized_or_in_reversed_order(standardized: bool, turned: bool) -> None:
    random.seed(0)
    rewards = [random.gauss(0, 1) for _ in range(STEPS)]
    returns, total = [], 0.0
    for reward in reversed(rewards):
        total = reward + GAMMA * total
        returns.append(total)
    returns = torch.tensor(returns if turned else returns[::-1])
    returns = (returns - returns.mean()) / returns.std() if standardized else returns
    found = look()
    assert found is not None
    assert (found.later, found.reversed) == (True, turned)
    assert found.discount == pytest.approx(GAMMA, rel=1e-3)


@pytest.mark.parametrize("right", [True, False])
def test_monte_carlo_returns_in_lists(right: bool) -> None:
    random.seed(0)
    rewards = [random.gauss(0, 1) for _ in range(STEPS)]
    dones = [i % 20 == 19 for i in range(STEPS)]
    returns, total = [], 0.0
    for reward, done in zip(reversed(rewards), reversed(dones), strict=True):
        total = reward + GAMMA * total * (1.0 - done if right else 1.0)
        returns.insert(0, total)
    found = look()
    assert found is not None
    assert found.ends_ignored is not right
    assert found.discount == pytest.approx(GAMMA)


@pytest.mark.parametrize(("gamma", "masked"), [(0.95, True), (0.95, False), (1.0, True)])
def test_targets_of_sampled_transitions(gamma: float, masked: bool) -> None:
    torch.manual_seed(0)
    b_reward, b_done, next_q = torch.randn(64, 1), (torch.rand(64, 1) < 0.2).float(), torch.randn(64, 1)
    target = b_reward + gamma * (1 - b_done if masked else 1.0) * next_q
    found = look()
    assert found is not None
    assert (found.later, found.of_the_same) == (True, 0.0)
    assert found.discount == pytest.approx(gamma, rel=1e-4)
    assert found.ends_ignored is not masked
    del target


def test_standardized_returns_and_short_rollouts_tell_nothing() -> None:
    rewards, returns = torch.randn(64), torch.randn(64)
    assert look() is None
    rewards, returns = rewards[:5], returns[:5].tolist()
    assert look() is None


@pytest.mark.parametrize(
    ("kept", "found"), [("fractions", ""), ("cut off", "rewards"), ("signs", ""), ("cents", "rewards")]
)
def test_rewards_without_what_is_behind_the_point(kept: str, found: str) -> None:
    torch.manual_seed(0)
    rewards = torch.randn(64, 4)
    rewards = {
        "fractions": rewards,
        "cut off": (0.5 * rewards).trunc(),
        "signs": rewards.sign(),
        "cents": (100 * rewards).round(),
    }[kept]
    assert cut_off() == found


def test_ends_that_no_operation_was_given() -> None:
    b_done, target = torch.zeros(32), torch.randn(32)
    assert unread_ends(target, set()) == "b_done"
    assert unread_ends(target, {id(b_done)}) == ""
    assert unread_ends(target[:4], set()) == ""
    b_done = torch.rand(32)
    assert unread_ends(target, set()) == ""
