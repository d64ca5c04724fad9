"""Does what a loss wants of an output fit what may be the target?"""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch.nn import functional  # noqa: E402 - needs torch

from runtime_probe.tap.agreement import boundless, cancelling, together, towards  # noqa: E402


def wanted(loss: Any, output: Any) -> Any:
    return -torch.autograd.grad(loss, output, retain_graph=True)[0]


def output(*shape: int) -> Any:
    torch.manual_seed(0)
    return (0.1 * torch.randn(*shape)).requires_grad_()


@pytest.mark.parametrize("loss", [functional.mse_loss, functional.l1_loss, functional.smooth_l1_loss])
def test_distances_pull_towards_and_their_negatives_away(loss: Any) -> None:
    prediction, target = output(16, 4), torch.randn(16, 4)
    assert towards(prediction.detach(), wanted(loss(prediction, target), prediction), target) > 0.6
    assert towards(prediction.detach(), wanted(-loss(prediction, target), prediction), target) < -0.6


def test_classes_of_rows_and_of_pixels() -> None:
    for shape in ((16, 5), (4, 5, 6, 6)):
        logits, target = output(*shape), torch.randint(0, 5, (shape[0], *shape[2:]))
        loss = functional.cross_entropy(logits, target)
        assert towards(logits.detach(), wanted(loss, logits), target) == 1.0
        assert towards(logits.detach(), wanted(-loss, logits), target) == -1.0


def test_labels_that_are_shifted_within_the_model_say_nothing() -> None:
    logits, tokens = output(8, 12, 30), torch.randint(0, 30, (8, 12))
    loss = functional.cross_entropy(logits[:, :-1].flatten(0, 1), tokens[:, 1:].flatten())
    assert abs(towards(logits.detach(), wanted(loss, logits), tokens)) < 0.2


def test_a_dice_score_that_is_added() -> None:
    logits, mask = output(4, 1, 16, 16), (torch.rand(4, 16, 16) > 0.9).long()
    shares = logits.sigmoid()[:, 0]
    dice = 2 * (shares * mask).sum() / (shares.sum() + mask.sum())
    assert towards(logits.detach(), wanted(1 - dice, logits), mask) > 0.5
    assert towards(logits.detach(), wanted(dice, logits), mask) < -0.5


def test_other_shapes_and_few_numbers_do_not_compare() -> None:
    prediction = output(16, 4)
    pull = wanted(prediction.square().mean(), prediction)
    assert towards(prediction.detach(), pull, torch.randn(16, 3)) is None
    assert towards(prediction.detach()[:1], pull[:1], torch.randn(1, 4)) is None
    assert towards(prediction.detach(), pull, torch.zeros(16, 4)) is None


def test_embeddings_of_one_label() -> None:
    embedding, labels = output(12, 8), torch.arange(12) % 6
    own, other = embedding[:6] - embedding[6:], embedding - embedding.roll(1, 0)
    loss = own.square().sum() - other.square().sum()
    apart = torch.pdist(embedding)
    assert together(embedding.detach(), wanted(loss, embedding), labels) == 1.0
    assert together(embedding.detach(), wanted(-loss, embedding), labels) == -1.0
    assert together(embedding.detach(), wanted(-apart.square().mean(), embedding), labels) == 0.0


def test_errors_that_are_averaged_before_they_are_squared_cancel() -> None:
    prediction, target = output(16, 4), torch.randn(16, 4)
    error = prediction - target
    for loss in (error.mean() ** 2, error.sum().abs(), error.mean(dim=0).square().sum()):
        assert cancelling(prediction.detach(), wanted(loss, prediction), target)
    for loss in (error.square().mean(), error.abs().mean(), error.square().mean(dim=0).sqrt().sum()):
        assert not cancelling(prediction.detach(), wanted(loss, prediction), target)


def test_errors_of_one_sign_may_want_the_same() -> None:
    prediction = output(16, 4)
    target = torch.full((16, 4), 5.0)
    assert not cancelling(prediction.detach(), wanted((prediction - target).abs().mean(), prediction), target)


@pytest.mark.parametrize("size", [0.3, 1.0, 5.0])
def test_a_variance_rests_where_it_equals_the_squared_error(size: float) -> None:
    mean, spread, target = output(16, 4), (0.1 * torch.randn(16, 4)).requires_grad_(), size * torch.randn(16, 4)
    square = (mean - target).square()

    def drives(loss: Any) -> bool:
        return boundless(mean.detach(), target, spread.detach(), -wanted(loss, spread))

    assert not drives((square * torch.exp(-spread) + spread).mean())
    assert not drives((square * torch.exp(spread) - spread).mean())
    assert drives((square * torch.exp(spread) + spread).mean())
    assert drives((square * torch.exp(-spread)).mean())
    assert drives((square * torch.exp(-spread) - spread).mean())


def test_a_second_prediction_is_no_variance() -> None:
    mean, second, target = output(16, 4), output(16, 4), torch.randn(16, 4)
    assert not boundless(mean.detach(), target, second.detach(), -wanted((second - target).square().mean(), second))
