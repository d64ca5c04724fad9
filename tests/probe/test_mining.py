"""Triplet and other losses over the pairs of a batch, as scripts write them, right and wrong."""

from __future__ import annotations

import math
from typing import Any

import pytest

torch = pytest.importorskip("torch")
from torch.nn import functional as F  # noqa: E402, N812 - needs torch

from runtime_probe.tap.mining import Mining  # noqa: E402


def judged(how: str, compare: str = "cdist") -> Any:
    torch.manual_seed(0)
    mining = Mining()
    labels = torch.arange(8).repeat_interleave(4)
    embeddings = F.normalize(torch.randn(32, 6), dim=1).requires_grad_(True)
    if compare == "cdist":
        made = torch.cdist(embeddings, embeddings)
        distances = made
    elif compare == "sum":
        made = (embeddings[:, None] - embeddings[None]).pow(2).sum(-1)
        distances = made
    else:
        made = embeddings @ embeddings.T
        distances = 1.0 - made
    mining.note({"cdist": "cdist", "sum": "sum"}.get(compare, "matmul"), made)
    same = labels[:, None] == labels[None]
    positive = distances.masked_fill(~same, 0.0).amax(1)
    negative = distances.masked_fill(same, math.inf).amin(1)
    if how == "easiest":
        negative = distances.masked_fill(same, 0.0).amax(1)
    elif how == "itself":
        negative = distances.masked_fill(torch.eye(32, dtype=torch.bool), math.inf).amin(1) * 0 + torch.where(
            same & ~torch.eye(32, dtype=torch.bool), distances, math.inf
        ).amin(1)
    elif how == "swapped":
        positive, negative = negative, positive
    elif how == "positives without gradient":
        positive = positive.detach()
    elif how == "negatives without gradient":
        negative = negative.detach()
    if how == "supervised contrastive":
        logits = (-distances / 0.1).masked_fill(torch.eye(32, dtype=torch.bool), -1e9)
        log_prob = logits.log_softmax(1).masked_fill(torch.eye(32, dtype=torch.bool), 0.0)
        loss = -(log_prob * same).sum(1).mean()
    else:
        loss = F.relu(positive - negative + 2.0).mean()
    loss.backward()
    found = mining.found()
    assert labels is not None
    return found


@pytest.mark.parametrize("compare", ["cdist", "sum", "matmul"])
def test_the_hardest_of_both_kinds(compare: str) -> None:
    found = judged("right", compare)
    assert found.push_same == 0.0
    assert found.pull_other == 0.0
    assert found.pushes
    assert found.pulls
    assert found.ease < 0.1


def test_the_easiest_negatives() -> None:
    assert judged("easiest").ease > 0.9


def test_negatives_of_the_same_label() -> None:
    assert judged("itself").push_same > 0.9


def test_positives_and_negatives_that_are_swapped() -> None:
    found = judged("swapped")
    assert found.push_same == 1.0
    assert found.pull_other == 1.0


def test_one_part_without_gradient() -> None:
    assert not judged("positives without gradient").pulls
    assert not judged("negatives without gradient").pushes


def test_losses_over_all_pairs_are_not_asked_for_the_hardest() -> None:
    found = judged("supervised contrastive")
    assert found.ease is None
    assert found.push_same < 0.5
    assert found.pull_other < 0.5


def test_a_batch_without_labels_is_not_judged() -> None:
    mining = Mining()
    embeddings = torch.randn(16, 4, requires_grad=True)
    made = torch.cdist(embeddings, embeddings)
    mining.note("cdist", made)
    made.sum().backward()
    assert mining.found() is None
