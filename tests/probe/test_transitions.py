"""Batches of replay buffers beside what the environment did."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")

from runtime_probe.tap.transitions import Transitions  # noqa: E402 - needs torch

STEPS, ENVS = 60, 4


def look(how: str = "right", *, discrete: bool = False, scaled: bool = False) -> Any:
    """A vector of environments, a buffer of what they did, and a batch of it."""
    torch.manual_seed(0)
    transitions = Transitions()
    state = torch.randn(ENVS, 3)
    transitions.note(1, torch.zeros(ENVS, 2), state.numpy(), [0.0] * ENVS, ended=False)
    kept: dict[str, list[Any]] = {"obs": [], "action": [], "reward": [], "next_obs": []}
    before = torch.zeros(ENVS, 1 if discrete else 2)
    for step in range(STEPS):
        action = torch.randint(0, 4, (ENVS, 1)).float() if discrete else torch.randn(ENVS, 2).clamp(-1.5, 1.5)
        following = 0.9 * state + 0.1 * torch.randn(ENVS, 3)
        reward = torch.randn(ENVS)
        taken = action.long().flatten().numpy() if discrete else action.numpy()
        transitions.note(1, taken, following.numpy(), reward.tolist(), ended=False)
        stored = {"late": before, "mean": action if step < 50 else 0.3 * action.sign()}.get(how, action)
        parts = ((state - 5.0) / 2.0 if scaled else state, stored, reward[:, None], following)
        for name, part in zip(kept, parts, strict=True):
            kept[name].append(part)
        state, before = following, action
    rows = {name: torch.cat(parts) for name, parts in kept.items()}
    index = {name: torch.randint(0, STEPS * ENVS, (128,)) for name in rows}
    obs, action, reward, next_obs = (rows[n][index[n if how == "apart" else "obs"]] for n in rows)
    if how == "clipped":
        action = 2.0 * action
    found = transitions.look(128)
    assert len(obs) == len(next_obs) == len(action) == len(reward)
    return found


@pytest.mark.parametrize("discrete", [False, True])
def test_parts_of_one_step_agree(discrete: bool) -> None:
    found = look(discrete=discrete)
    assert found.by == "observation"
    assert found.rows == 128
    assert min(found.agreement.values()) == pytest.approx(1.0)
    assert found.odd == 0


def test_rewards_link_what_is_stored_normalized() -> None:
    found = look(scaled=True)
    assert found.by == "reward"
    assert min(found.agreement.values()) == pytest.approx(1.0)


def test_actions_in_another_unit_are_those_that_were_taken() -> None:
    found = look("clipped")
    assert found.agreement["action"] == pytest.approx(1.0)
    assert found.odd == 0


@pytest.mark.parametrize("discrete", [False, True])
def test_actions_of_the_step_before(discrete: bool) -> None:
    assert look("late", discrete=discrete).agreement["action"] < 0.5


def test_fields_of_other_rows() -> None:
    found = look("apart", scaled=True)
    assert max(found.agreement.values()) < 0.5


def test_some_actions_that_were_not_taken() -> None:
    assert look("mean").odd > 5


def test_a_batch_of_something_else_is_not_linked() -> None:
    transitions = Transitions()
    transitions.note(1, 0, torch.zeros(3), [0.0], ended=False)
    obs, reward = torch.randn(64, 3), torch.randn(64)
    assert transitions.look(len(obs)) is None
    assert len(reward) == len(obs)
