"""Targets of critics and losses of squashed policies, as scripts compute them, right and wrong."""

from __future__ import annotations

import copy
from types import SimpleNamespace
from typing import Any

import pytest
from building import healthy

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402 - needs torch

from runtime_probe.tap.backups import Backups  # noqa: E402
from runtime_probe.tap.squash import Squash, temperature  # noqa: E402

GAMMA, ALPHA, N = 0.95, 0.2, 64


class Twins(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.q1, self.q2 = (nn.Linear(5, 1) for _ in range(2))

    def forward(self, obs: Any, action: Any) -> Any:
        x = torch.cat([obs, action], dim=-1)
        return self.q1(x), self.q2(x)


def targets(how: str = "right") -> Any:
    """One update of a critic, watched."""
    torch.manual_seed(0)
    critic = Twins()
    critic_target = copy.deepcopy(critic).requires_grad_(False)
    session: Any = SimpleNamespace(
        record=healthy(),
        environments=None,
        watch=SimpleNamespace(picked=[]),
        tracked=[SimpleNamespace(parameters=list(critic.parameters()))],
    )
    session.record.rewards.count = 200
    backups = Backups(session)
    obs, b_next, action = (torch.randn(N, width) for width in (3, 3, 2))
    actor = nn.Linear(3, 2)
    reward, next_log_prob = torch.randn(N, 1), torch.randn(N, 1)
    ended = (torch.rand(N, 1) < 0.2).float()

    def ask(module: Any, *given: Any) -> Any:
        made = module(*given)
        backups.note_call(module, given, made)
        return made

    def update(reward: Any, ended: Any) -> Any:
        judge = critic if how == "of the trained" else critic_target
        chosen = ask(actor, obs if how == "action of the same" else b_next)
        q1, q2 = ask(judge, obs if how == "of the same" else b_next, chosen)
        best = torch.max(q1, q2) if how == "larger" else torch.min(q1, q2)
        if how in ("soft", "punished"):
            best = best + (ALPHA if how == "punished" else -ALPHA) * next_log_prob
        alive = {"inverted": ended, "ignored": torch.ones_like(ended)}.get(how, 1 - ended)
        target = (reward + GAMMA * alive * best).detach()
        predicted, _ = ask(critic, obs, action)
        backups.look(target, predicted)
        return next_log_prob

    update(reward, ended)
    return session.record.rewards.backup


def test_a_target_of_the_smaller_of_two_critics() -> None:
    found = targets()
    assert found.discount == pytest.approx(GAMMA, rel=1e-4)
    assert (found.larger, found.of_the_same, found.of_the_trained) == (False, False, False)
    assert (found.mask, found.entropy) == ("", 0.0)


def test_the_larger_of_two_critics() -> None:
    assert targets("larger").larger


def test_the_value_of_the_same_observation() -> None:
    assert targets("of the same").of_the_same


def test_the_action_for_the_same_observation() -> None:
    assert targets("action of the same").action_of_the_same
    assert not targets().action_of_the_same


def test_the_network_that_is_trained_beside_its_copy() -> None:
    assert targets("of the trained").of_the_trained


@pytest.mark.parametrize("how", ["inverted", "ignored"])
def test_masks_of_ends(how: str) -> None:
    assert targets(how).mask == how


def test_the_entropy_in_a_target_has_its_sign() -> None:
    assert targets("soft").entropy == pytest.approx(-GAMMA * ALPHA, rel=1e-3)
    assert targets("punished").entropy == pytest.approx(GAMMA * ALPHA, rel=1e-3)


def test_targets_that_are_no_reward_and_value_are_not_judged() -> None:
    session: Any = SimpleNamespace(record=healthy(), environments=None, watch=SimpleNamespace(picked=[]), tracked=[])
    session.record.rewards.count = 200
    backups = Backups(session)
    layer, x, reward = nn.Linear(3, 1), torch.randn(N, 3), torch.randn(N, 1)
    made = layer(x)
    backups.note_call(layer, (x,), made)
    backups.look(torch.randn(N, 1), made)
    backups.look(reward.double()[:5], made[:5])
    assert session.record.rewards.backup is None


def squashed(correct: str) -> Any:
    torch.manual_seed(0)
    rewards = healthy().rewards
    squash = Squash(rewards)

    def told(name: str, *args: Any) -> Any:
        result = getattr(torch if hasattr(torch, name) else nn.functional, name)(*args)
        squash.note(name, args, result)
        return result

    policy = torch.distributions.Normal(torch.zeros(N, 2, requires_grad=True), 1.0)
    raw = policy.rsample()
    likely = policy.log_prob(raw)
    squash.note_log_probability(raw)
    action = told("tanh", raw)
    if correct == "volume":
        likely = likely - told("log", 1 - action.pow(2) + 1e-6)
    elif correct == "softplus":
        likely = likely - 2 * (0.6931 - raw - told("softplus", -2 * raw))
    else:
        told("log", torch.rand(N, 2) + 1.0)
    squash.end()
    return rewards.squash_corrected


@pytest.mark.parametrize("correct", ["volume", "softplus"])
def test_the_volume_of_the_squashing_is_recognized(correct: str) -> None:
    assert squashed(correct) is True


def test_a_missing_volume_is_noted() -> None:
    assert squashed("nothing") is False


@pytest.mark.parametrize(("sign", "found"), [(-1.0, "kept"), (1.0, "reversed")])
def test_the_sign_of_the_loss_of_a_temperature(sign: float, found: str) -> None:
    torch.manual_seed(0)
    log_prob, target_entropy = torch.randn(N, 1), -2.0
    for through in (torch.Tensor.clone, torch.Tensor.exp):
        log_alpha = torch.tensor(-1.0, requires_grad=True)
        (sign * through(log_alpha) * (log_prob + target_entropy)).mean().backward()
        assert temperature([log_alpha]) == found
