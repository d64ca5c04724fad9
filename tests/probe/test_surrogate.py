"""Which way log-probabilities are pushed by advantages, and which way attention adds up."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from building import healthy

torch = pytest.importorskip("torch")

from runtime_probe.tap.attention import Attention  # noqa: E402 - needs torch
from runtime_probe.tap.surrogate import Surrogate  # noqa: E402

SESSION: Any = SimpleNamespace(calls=SimpleNamespace(sizes={}), record=healthy())


class Told:
    """Operations as the watch reports them: by name, with arguments and result."""

    def __init__(self, follower: Any, *, keywords: bool = False) -> None:
        self.follower, self.keywords = follower, keywords

    def __call__(self, name: str, *args: Any, **kwargs: Any) -> Any:
        if name in {"einsum", "softmax"}:
            result = getattr(torch, name)(*args, **kwargs)
        elif name == "dropout":
            result = torch.nn.functional.dropout(*args, **kwargs)
        else:
            result = getattr(torch.Tensor, name)(*args, **kwargs)
        given = (name, args, kwargs, result) if self.keywords else (name, args, result)
        self.follower.note(*given)
        return result


def pushed(kind: str) -> list[float]:
    torch.manual_seed(0)
    record = healthy()
    follower = Surrogate(record)
    told = Told(follower)
    policy = torch.distributions.Normal(torch.zeros(16, 2, requires_grad=True), 1.0)
    likely, advantage = policy.log_prob(torch.randn(16, 2)), torch.randn(16)
    follower.note_log_probability(likely)
    likely = told("sum", likely, -1)
    ratio = told("exp", told("sub", likely, likely.detach()))
    clipped = told("clamp", ratio, 0.8, 1.2)
    losses = {
        "reinforce": lambda: -told("mul", likely, advantage).mean(),
        "reinforce with a mask": lambda: -told("mul", likely, (advantage > 0).float()).mean(),
        "reinforce reversed": lambda: told("mul", likely, advantage).mean(),
        "ppo": lambda: -torch.min(told("mul", ratio, advantage), told("mul", advantage, clipped)).mean(),
        "ppo of clean code": lambda: torch.max(
            told("mul", told("neg", advantage), ratio), told("mul", told("neg", advantage), clipped)
        ).mean(),
        "ppo reversed": lambda: torch.min(told("mul", ratio, advantage), told("mul", clipped, advantage)).mean(),
        "a ratio turned round": lambda: (
            -told("mul", told("exp", told("sub", likely.detach(), likely)), advantage).mean()
        ),
        "a temperature": lambda: told("mul", likely, torch.tensor(0.2)).mean(),
    }
    losses[kind]().backward()
    return list(record.surrogates)


@pytest.mark.parametrize("kind", ["reinforce", "ppo", "ppo of clean code"])
def test_policy_gradients_raise_what_did_well(kind: str) -> None:
    found = pushed(kind)
    assert found
    assert max(found) < 0


@pytest.mark.parametrize("kind", ["reinforce reversed", "ppo reversed", "a ratio turned round"])
def test_signs_that_are_wrong_lower_what_did_well(kind: str) -> None:
    found = pushed(kind)
    assert found
    assert min(found) > 0


@pytest.mark.parametrize("kind", ["a temperature", "reinforce with a mask"])
def test_temperatures_and_masks_are_no_advantages(kind: str) -> None:
    assert pushed(kind) == []


def attended(kind: str, dimension: int) -> Attention:
    follower = Attention(SESSION)
    told = Told(follower, keywords=True)
    scores, values = torch.randn(2, 4, 6, 6), torch.randn(2, 4, 6, 8)
    weights = told("dropout", told("softmax", scores, dim=dimension), 0.1)
    if kind == "product":
        told("matmul", weights, values)
    elif kind == "product from the right":
        told("matmul", values.transpose(-2, -1), weights)
    else:
        told("einsum", kind, weights, values)
    return follower


@pytest.mark.parametrize(
    ("kind", "right", "wrong"),
    [("product", -1, -2), ("product from the right", 2, 3), ("bhqk,bhkd->bhqd", 3, 2), ("bhkq,bhkd->bhqd", 2, 3)],
)
def test_weights_add_up_to_one_over_what_is_summed(kind: str, right: int, wrong: int) -> None:
    assert attended(kind, right).seen
    assert attended(kind, right).other_axis is None
    assert attended(kind, wrong).other_axis is not None


def test_clusters_that_share_out_points_are_no_attention() -> None:
    follower = Attention(SESSION)
    told = Told(follower, keywords=True)
    told("matmul", told("softmax", torch.randn(2, 5, 30), dim=1), torch.randn(2, 30, 8))
    assert follower.other_axis is None


@pytest.mark.parametrize(
    ("shape", "dimension", "other", "told"),
    [((16, 2), None, 16, True), ((16, 2), -1, 16, False), ((2,), None, 16, False), ((16, 2), None, 1, False)],
)
def test_one_log_probability_of_a_whole_batch_beside_a_number_for_each_sample_is_noted(
    shape: tuple[int, ...], dimension: int | None, other: int, told: bool
) -> None:
    record = healthy()
    follower = Surrogate(record)
    tell = Told(follower)
    likely = torch.distributions.Normal(torch.zeros(shape, requires_grad=True), 1.0).log_prob(torch.randn(shape))
    follower.note_log_probability(likely)
    summed = tell("sum", likely) if dimension is None else tell("sum", likely, dimension)
    tell("mul", tell("exp", summed), torch.randn(other))
    assert (record.features.likelihood_of_all is not None) is told
