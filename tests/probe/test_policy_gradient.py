"""Log-probabilities and rewards belong to each other one by one, or nothing is said."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from runtime_probe.tap.policy import PolicyGradient  # noqa: E402 - needs torch


def update(sign: float, *, environments: int = 1, steps: int = 12, calls: int | None = None) -> PolicyGradient:
    """One REINFORCE update, with log-probabilities computed in `calls` calls."""
    torch.manual_seed(0)
    rewards = torch.rand(steps, environments)
    ends = torch.zeros(steps, environments, dtype=torch.bool)
    ends[steps // 2] = True
    seen = PolicyGradient()
    log_probs = torch.randn(steps * environments, requires_grad=True)
    asked = [part * 1.0 for part in log_probs.chunk(steps if calls is None else calls)]
    for step in range(steps):
        seen.note_rewards(rewards[step].tolist(), [ends[step], torch.zeros(environments, dtype=torch.bool)])
    for value in asked:
        seen.note_log_probability(value)
    returns = rewards.clone()
    for step in range(steps - 2, -1, -1):
        returns[step] += 0.9 * returns[step + 1] * ~ends[step]
    (sign * torch.cat(asked) * (returns.flatten() - returns.mean())).sum().backward()
    return seen


@pytest.mark.parametrize("environments", [1, 3])
@pytest.mark.parametrize("calls", [None, 1])
def test_reinforce_follows_the_returns(environments: int, calls: int | None) -> None:
    right = update(-1.0, environments=environments, calls=calls).correlation(0.9)
    wrong = update(1.0, environments=environments, calls=calls).correlation(0.9)
    assert right == pytest.approx(1.0)
    assert wrong == pytest.approx(-1.0)


def test_another_number_of_rewards_says_nothing() -> None:
    seen = update(-1.0)
    seen.note_rewards([1.0], [False])
    assert seen.correlation(0.9) is None


def test_few_actions_say_nothing() -> None:
    assert update(-1.0, steps=4).correlation(0.9) is None


def test_equal_returns_say_nothing() -> None:
    seen = PolicyGradient()
    value = torch.zeros(12, requires_grad=True) * 1.0
    seen.note_log_probability(value)
    for _ in range(12):
        seen.note_rewards([0.0], [False])
    value.sum().backward()
    assert seen.correlation(None) is None


def test_an_update_forgets_the_one_before() -> None:
    seen = update(-1.0)
    seen.forget()
    assert seen.correlation(0.9) is None
