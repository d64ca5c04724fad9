"""What environments and the variables beside a loss tell about rewards and observations."""

from __future__ import annotations

from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest

torch = pytest.importorskip("torch")
np = pytest.importorskip("numpy")

from runtime_probe.tap.acting import Acting  # noqa: E402
from runtime_probe.tap.environments import Steps, stored_whole  # noqa: E402
from runtime_probe.tap.evaluated import Evaluated  # noqa: E402
from runtime_probe.tap.rewards import reward_share  # noqa: E402


def test_targets_that_are_rewards_are_told_by_the_name_beside_them() -> None:
    torch.manual_seed(0)
    b_reward, following = torch.randn(32, 1), torch.randn(32, 1)
    assert reward_share(b_reward + 0.0 * following) == 1.0
    assert reward_share(b_reward + 0.9 * following) == 0.0
    batch = {"rew": b_reward.clone()}
    del b_reward
    assert reward_share(batch["rew"] * 1.0) == 1.0
    data = SimpleNamespace(rewards=batch.pop("rew"))
    assert reward_share(data.rewards * 1.0) == 1.0


def test_rewards_of_zero_and_one_tell_nothing() -> None:
    rewards = (torch.arange(32) % 2).float()
    assert reward_share(rewards * 1.0) is None
    del rewards
    assert reward_share(torch.randn(32)) is None


def session() -> Any:
    rewards = SimpleNamespace(
        count=0, minimum=0.0, maximum=0.0, nonzero=0, fractions=0, mean=0.0, longest=0, episodes=0, reused=False
    )
    record = SimpleNamespace(rewards=rewards)
    calls = SimpleNamespace(acting=Acting(), evaluated=Evaluated())
    return SimpleNamespace(active=True, watching=False, record=record, looking=nullcontext, calls=calls)


@pytest.mark.parametrize("copied", [False, True])
def test_an_observation_that_changes_in_place_is_seen(copied: bool) -> None:
    state = np.zeros(3)

    def step(action: float) -> tuple[Any, float, bool, dict[str, Any]]:
        state[0] += action
        return state.copy() if copied else state, 1.0, False, {}

    found = session()
    watched = Steps(found).watched(step, vector=False)
    for _ in range(3):
        watched(0.5)
    assert found.record.rewards.reused is not copied


@pytest.mark.parametrize("many", [(), (6,)])
def test_rewards_are_found_behind_the_last_observation_of_an_episode(many: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)

    def step(action: float) -> tuple[Any, ...]:
        observation, final = rng.normal(size=(*many, 5)), rng.normal(size=(*many, 5))
        return observation, final, np.full(many, 2.0), np.zeros(many, bool), np.ones(many, bool), [{}], final[None]

    found = session()
    Steps(found).watched(step, vector=True)(0.0)
    rewards = found.record.rewards
    assert (rewards.minimum, rewards.maximum) == (2.0, 2.0)
    assert rewards.count == max(1, *many, 0)
    assert rewards.episodes > 0


def test_observations_of_one_number_look_like_rewards_and_come_first() -> None:
    def step(action: Any) -> tuple[Any, ...]:
        return np.arange(4), np.full(4, 3.0), np.zeros(4, bool), {}

    found = session()
    Steps(found).watched(step, vector=True)(0.0)
    assert found.record.rewards.maximum == 3.0


def test_buffers_that_keep_rewards_as_whole_numbers_are_named() -> None:
    def kept(rewards: Any) -> str:
        return stored_whole(SimpleNamespace(reward=rewards, action=np.zeros(9, np.int64)))

    assert kept(np.zeros(9, np.int64)) == "SimpleNamespace.reward"
    assert kept(torch.zeros(9, 4, dtype=torch.int32)) == "SimpleNamespace.reward"
    for fine in (np.zeros(9, np.float32), torch.zeros(9), [0.5, 1.0], 3, None, np.array(["a"])):
        assert kept(fine) == ""


def test_rewards_that_are_no_whole_numbers_are_counted() -> None:
    found = session()
    Steps(found).watched(lambda: (np.zeros(3), np.array([0.5, 1.0, float("nan")]), False), vector=True)()
    assert found.record.rewards.fractions == 2
