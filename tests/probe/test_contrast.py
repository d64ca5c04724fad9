"""Embeddings that are compared, pulled together, pushed apart or kept from nothing."""

from __future__ import annotations

from typing import Any

import pytest
from building import cross_entropy, healthy

torch = pytest.importorskip("torch")

from torch.nn.functional import cosine_similarity, normalize  # noqa: E402 - needs torch
from torch.nn.functional import cross_entropy as loss_of  # noqa: E402

from runtime_probe.tap.agreement import towards  # noqa: E402
from runtime_probe.tap.contrast import Contrast, only_together  # noqa: E402


def embeddings() -> tuple[Any, Any]:
    torch.manual_seed(0)
    return tuple(normalize(torch.randn(12, 16), dim=1).requires_grad_() for _ in range(2))


def described(name: str, a: Any, b: Any, logits: Any, labels: Any = None) -> Any:
    """What is noted of logits that were made of a comparison of a and b."""
    contrast, call = Contrast(healthy()), cross_entropy(classes=12)
    result = {"matmul": lambda: a @ b.T, "cdist": lambda: torch.cdist(a, b)}[name]()
    contrast.note(name, (a, b.T if name == "matmul" else b), result)
    contrast.describe(call, logits(result).detach(), torch.arange(len(result)) if labels is None else labels)
    return call


@pytest.mark.parametrize("scale", [1.0, 2.659, 14.3])
def test_the_scale_of_cosines_is_found_behind_a_transposition(scale: float) -> None:
    a, b = embeddings()
    call = described("matmul", a, b, lambda cosines: (scale * cosines).T)
    assert call.scale == pytest.approx(scale, rel=1e-3)
    assert call.likeness == pytest.approx(1.0)


def test_distances_are_no_likeness_unless_they_are_negated() -> None:
    a, b = embeddings()
    assert described("cdist", a, b, lambda distances: distances).likeness < -0.9
    assert described("cdist", a, b, lambda distances: -distances).likeness > 0.9


def test_a_sample_among_its_own_candidates_is_found_unless_it_is_masked() -> None:
    a, _ = embeddings()
    partners = torch.arange(12).roll(6)
    own = torch.eye(12, dtype=torch.bool)
    assert described("matmul", a, a, lambda cosines: cosines / 0.1, partners).own_candidate
    assert not described("matmul", a, a, lambda cosines: (cosines / 0.1).masked_fill(own, -1e9), partners).own_candidate


def test_layers_and_class_weights_of_any_length_are_no_embeddings() -> None:
    contrast = Contrast(healthy())
    x, weight = torch.randn(12, 16), torch.nn.Parameter(torch.randn(12, 16))
    contrast.note("linear", (x, weight), x @ weight.T)
    contrast.note("matmul", (x, torch.randn(16)), torch.zeros(12))
    contrast.note("einsum", ("nd,de->ne", x, torch.randn(16, 12)), torch.zeros(12, 12))
    assert not contrast.compared


@pytest.mark.parametrize(
    ("kind", "collapses"),
    [("dot product", True), ("distance", True), ("cosine", True), ("infonce", False), ("variance kept", False)],
)
def test_losses_that_want_nothing_but_likeness(kind: str, collapses: bool) -> None:
    a, b = (torch.randn(12, 16, requires_grad=True) for _ in range(2))
    loss = {
        "dot product": lambda: -(a * b).sum(dim=1).mean(),
        "distance": lambda: (a - b).square().sum(dim=1).mean(),
        "cosine": lambda: -cosine_similarity(a, b, dim=1).mean(),
        "infonce": lambda: loss_of(a @ b.T, torch.arange(12)),
        "variance kept": lambda: (a - b).square().mean() - a.var(dim=0).mean() - b.var(dim=0).mean(),
    }[kind]()
    loss.backward()
    assert only_together(a.detach(), -a.grad, b.detach(), -b.grad) is collapses


@pytest.mark.parametrize("against", ["the others", "nothing"])
def test_products_of_embeddings_whose_diagonal_alone_counts_collapse(against: str) -> None:
    a, b = embeddings()
    contrast = Contrast(healthy())
    columns = b.T
    logits = a @ columns
    contrast.note("matmul", (a, columns), logits)
    (loss_of(logits, torch.arange(12)) if against == "the others" else -logits.diagonal().mean()).backward()
    assert contrast.collapses() is (against == "nothing")


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_cosine_turns_vectors_towards_their_targets_or_away(sign: float) -> None:
    torch.manual_seed(0)
    output, target = torch.randn(4, 20, 2, requires_grad=True), normalize(torch.randn(4, 20, 2), dim=-1)
    (-sign * cosine_similarity(output, target, dim=-1)).mean().backward()
    found = towards(output.detach(), -output.grad, target)
    assert found == pytest.approx(sign, abs=1e-3)
