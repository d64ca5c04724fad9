"""What losses want of latents, and how their terms were reduced."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from building import healthy

torch = pytest.importorskip("torch")

from torch.nn.functional import binary_cross_entropy, mse_loss  # noqa: E402 - needs torch

from runtime_probe.record import Where  # noqa: E402
from runtime_probe.tap.latents import Latents  # noqa: E402
from runtime_probe.tap.terms import mixed, note_sum  # noqa: E402


def encoded(weight: float, *, counted: Any = 1.0) -> Any:
    torch.manual_seed(0)
    record = healthy()
    latents = Latents(record)
    mean = torch.randn(8, 4, requires_grad=True)
    inner, deviation = mean * 1.0, (0.5 * torch.randn(8, 4)).exp().requires_grad_()
    sample = inner + torch.randn(8, 4) * deviation
    latents.note_sum(inner, sample, Where())
    latents.note_scaled(deviation, Where())
    reconstruction = (sample.tanh() - 1.0).square().sum(dim=1)
    prior = 0.5 * (inner.square() + deviation.square() - 2 * deviation.log() - 1).sum(dim=1)
    ((reconstruction + weight * prior) * counted).mean().backward()
    latents.note_backward()
    return record.latents


def test_a_prior_draws_the_mean_to_zero() -> None:
    (found,) = encoded(0.1).priors
    assert found.likeness == pytest.approx(1.0)
    (heavy,) = encoded(100.0).priors
    assert heavy.weight == pytest.approx(1000 * found.weight, rel=1e-3)


def test_a_prior_with_the_wrong_sign_drives_it_away_where_samples_count() -> None:
    (found,) = encoded(-0.1, counted=torch.tensor([1.0, 0.0] * 4)).priors
    assert found.likeness == pytest.approx(-1.0)


def test_no_prior_and_positive_deviations_say_nothing() -> None:
    found = encoded(0.0)
    assert not found.priors
    assert found.negative_scale is None


def test_a_logarithm_taken_for_a_deviation_is_seen() -> None:
    record = healthy()
    Latents(record).note_scaled(torch.randn(8, 4), Where(line=3))
    assert record.latents.negative_scale == Where(line=3)


class Sums:
    """Arithmetic of scalars, as the watch reports it."""

    def __getattr__(self, name: str) -> Any:
        def told(*args: Any) -> Any:
            result = getattr(torch.Tensor if isinstance(args[0], torch.Tensor) else torch, name)(*args)
            note_sum(name.strip("_"), args, result)
            return result

        return told


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        ("both sums", False),
        ("both sums, divided", False),
        ("sum beside a mean", True),
        ("a light sum beside a mean", True),
        ("a sum divided by the batch beside a mean", False),
        ("a sum divided by a count beside a mean", False),
        ("a penalty on weights beside a mean", False),
    ],
)
def test_sums_beside_means(kind: str, found: bool) -> None:
    do = Sums()
    weight = torch.nn.Parameter(torch.randn(16, 4))
    made, x = (torch.randn(16, 5) @ torch.randn(5, 4) + 0.0 * weight).sigmoid(), torch.rand(16, 4)
    summed = binary_cross_entropy(made, x, reduction="sum")
    averaged = mse_loss(made, x)
    divergence = (made.square() - made.log()).sum()
    loss = {
        "both sums": lambda: do.add(summed, divergence),
        "both sums, divided": lambda: do.div(do.add(summed, divergence), 16),
        "sum beside a mean": lambda: do.add(averaged, divergence),
        "a light sum beside a mean": lambda: do.add(averaged, do.mul(divergence, 1e-3)),
        "a sum divided by the batch beside a mean": lambda: do.add(averaged, do.div(divergence, 16)),
        "a sum divided by a count beside a mean": lambda: do.add(averaged, do.div(divergence, torch.tensor(2.0))),
        "a penalty on weights beside a mean": lambda: do.add(averaged, do.mul(weight.square().sum(), 1e-3)),
    }[kind]()
    assert (mixed(loss) is not None) is found


def test_a_loss_without_graph_has_no_terms() -> None:
    assert mixed(torch.tensor(1.0)) is None
    assert mixed(SimpleNamespace(grad_fn=None)) is None
