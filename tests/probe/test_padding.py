"""What fills up sequences, and what losses and gradients say of it."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402 - needs torch
from torch.nn import functional  # noqa: E402

from runtime_probe.record import Record  # noqa: E402
from runtime_probe.tap.padding import PaddingWatch, padding_of, top_share  # noqa: E402

LENGTHS = (9, 4, 6, 3, 7, 5)


def padded(*, left: bool = False, token: int = 0) -> Any:
    torch.manual_seed(0)
    rows = []
    for length in LENGTHS:
        content, rest = torch.randint(5, 30, (length,)), torch.full((9 - length,), token)
        rows.append(torch.cat([rest, content] if left else [content, rest]))
    return torch.stack(rows)


@pytest.mark.parametrize("left", [False, True])
@pytest.mark.parametrize("token", [0, 31])
def test_padding_is_found_at_either_end(left: bool, token: int) -> None:
    assert padding_of(padded(left=left, token=token)) == token


def test_text_without_padding_has_none() -> None:
    torch.manual_seed(0)
    assert padding_of(torch.randint(0, 30, (16, 12))) is None
    assert padding_of(torch.cat([torch.randint(1, 30, (16, 8)), torch.zeros(16, 1).long()], dim=1)) is None
    assert padding_of(padded()[:1]) is None


def asked(mask: Any) -> Any:
    """The gradient of a classifier that attends where `mask` (N, T) is True, from its first token."""
    record, tokens = Record(), padded()
    watch = PaddingWatch(record)
    table, head = nn.Embedding(32, 8), nn.Linear(8, 3)
    embedded = table(tokens)
    watch.note_embedding(tokens, embedded)
    seen = mask(tokens)
    scores = (embedded[:, :1] @ embedded.transpose(1, 2)).masked_fill(~seen[:, None], float("-inf"))
    pooled = (scores.softmax(-1) @ embedded)[:, 0]
    functional.cross_entropy(head(pooled), torch.arange(6) % 3).backward()
    return record.padding


def test_a_mask_that_is_right() -> None:
    padding = asked(lambda tokens: tokens != 0)
    assert (padding.only, padding.attended) == (False, False)


def test_a_mask_that_is_missing() -> None:
    padding = asked(lambda tokens: torch.ones_like(tokens, dtype=torch.bool))
    assert (padding.only, padding.attended) == (False, True)


def test_a_mask_the_wrong_way_round() -> None:
    # A row without padding would have nothing to attend to.
    padding = asked(lambda tokens: (tokens == 0) | (torch.arange(9) == 0))
    assert padding.only


def test_padding_in_a_loss() -> None:
    record, tokens = Record(), padded()
    watch = PaddingWatch(record)
    watch.note_embedding(tokens, torch.zeros(6, 9, 8))
    watch.note_loss(tokens[:, 1:].flatten(), ignored=0, kept_apart=False)
    assert record.padding is not None
    assert record.padding.in_loss == 0
    watch.note_loss(tokens[:, 1:].flatten(), ignored=-100, kept_apart=True)
    assert record.padding.in_loss == 0
    watch.note_loss(tokens[:, 1:].flatten(), ignored=-100, kept_apart=False)
    assert record.padding.in_loss == pytest.approx(20 / 48)


def test_the_most_frequent_token_is_counted_without_padding() -> None:
    tokens = padded().repeat(3, 1)
    assert top_share(tokens) < 0.2
    unknown = torch.where((tokens != 0) & (torch.arange(9) % 3 > 0), torch.tensor(1), tokens)
    assert 0.5 < top_share(unknown) < 0.8
    assert top_share(torch.zeros(16, 9, dtype=torch.long)) == 0.0
