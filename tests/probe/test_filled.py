"""Sequences of numbers whose ends are filled up, and models that read them."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402 - needs torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence  # noqa: E402

from runtime_probe import thresholds as t  # noqa: E402
from runtime_probe.tap.calls import Call  # noqa: E402
from runtime_probe.tap.filled import _ask, filler_of  # noqa: E402

LENGTHS = torch.tensor([12, 5, 9, 7, 12, 6])


def sequences(fill: float = 0.0) -> Any:
    torch.manual_seed(0)
    return pad_sequence([torch.randn(int(n), 4) for n in LENGTHS], batch_first=True, padding_value=fill)


class Attending(nn.Module):
    """Two layers of attention, and the mean over the content; `turn` says which mask attention is given."""

    def __init__(self, turn: str = "right", pooled: str = "content") -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embed = nn.Linear(4, 16)
        layer = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.0, batch_first=True)
        self.layers = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.turn, self.pooled = turn, pooled

    def forward(self, x: Any, lengths: Any) -> Any:
        padding = torch.arange(x.shape[1]) >= lengths[:, None]
        mask = {"right": padding, "turned": ~padding, "none": None}[self.turn]
        out = self.layers(self.embed(x), src_key_padding_mask=mask)
        if self.pooled in ("steps", "channels first", "behind a token"):
            first = out.mean(1, keepdim=True) * 0.0
            put = {"steps": out, "channels first": out.transpose(1, 2), "behind a token": torch.cat([first, out], 1)}
            return put[self.pooled]
        if self.pooled == "all":
            return out.mean(1)
        return (out * ~padding[..., None]).sum(1) / lengths[:, None]


class Recurrent(nn.Module):
    def __init__(self, how: str) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.gru, self.how = nn.GRU(4, 16, batch_first=True), how

    def forward(self, x: Any, lengths: Any) -> Any:
        if self.how == "packed":
            return self.gru(pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False))[1][-1]
        if self.how == "padded again":
            packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
            return pad_packed_sequence(self.gru(packed)[0], batch_first=True)[0]
        out, _ = self.gru(x)
        return {"last": out[:, -1], "own last": out[torch.arange(len(x)), lengths - 1], "steps": out}[self.how]


class ConvolvingFirst(nn.Module):
    """What a step says of its neighbours goes into a packed sequence."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer, self.gru = nn.Conv1d(4, 8, 3, padding=1), Recurrent("packed")
        self.gru.gru = nn.GRU(8, 16, batch_first=True)

    def forward(self, x: Any, lengths: Any) -> Any:
        return self.gru(self.layer(x.transpose(1, 2)).transpose(1, 2), lengths)


class Convolving(nn.Module):
    def __init__(self, pooled: bool = False) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(nn.Conv1d(4, 16, 3, padding=1), nn.ReLU(), nn.Conv1d(16, 2, 3, padding=1))
        self.pooled = pooled

    def forward(self, x: Any, lengths: Any) -> Any:
        out = self.layers(x.transpose(1, 2)).transpose(1, 2)
        return out.mean(1) if self.pooled else out


def read(module: nn.Module, fill: float = 0.0) -> Any:
    return next(iter(_ask(Call(module, (sequences(fill), LENGTHS), {}))))


@pytest.mark.parametrize("fill", [0.0, -1.7])
@pytest.mark.parametrize(
    "module",
    [
        Attending(), Attending(pooled="steps"), Attending(pooled="channels first"), Recurrent("packed"),
        Recurrent("padded again"), Recurrent("own last"), Recurrent("steps"), ConvolvingFirst(),
    ],
    ids=[
        "masked", "masked steps", "channels first", "packed", "padded again", "own last", "steps", "convolution before",
    ],
)  # fmt: skip
def test_what_is_filled_up_is_not_read(module: nn.Module, fill: float) -> None:
    found = read(module, fill)
    assert found.filler <= t.FILLER_READ * found.content


@pytest.mark.parametrize(
    "module",
    [
        Attending("none"), Attending("none", "all"), Attending("none", "steps"), Attending(pooled="all"),
        Recurrent("last"), Attending("turned"), Convolving(pooled=True),
    ],
    ids=["no mask", "mean of all", "steps without mask", "a mask, and a mean", "last of all", "turned", "convolution"],
)  # fmt: skip
def test_what_is_filled_up_is_read(module: nn.Module) -> None:
    found = read(module)
    assert found.filler > 2 * t.FILLER_READ * found.content


@pytest.mark.parametrize("module", [Convolving(), Attending(pooled="behind a token")])
def test_answers_about_steps_that_have_other_places_or_neighbours_are_not_asked(module: nn.Module) -> None:
    assert not list(_ask(Call(module, (sequences(), LENGTHS), {})))


def test_the_filler_is_what_sequences_end_in() -> None:
    given = sequences()
    filler = filler_of(given)
    assert filler is not None
    assert torch.equal((~filler).sum(1), LENGTHS)


@pytest.mark.parametrize(
    "given",
    [
        torch.randn(6, 12, 4),
        torch.cat([torch.randn(6, 8, 4), torch.zeros(6, 4, 4)], dim=1),
        nn.functional.pad(sequences(), (0, 0, 3, 0)),
        torch.zeros(6, 12, 4),
        torch.cat(
            [torch.randn(4, 8, 3), torch.randn(4, 4, 3) * torch.tensor([0.0, 1.0, 1.0, 1.0])[:, None, None]], dim=1
        ),
        sequences()[..., :1],
        sequences()[:1],
        sequences().long(),
        sequences()[:, :5],
    ],
    ids=[
        "all long",
        "one length",
        "margins",
        "nothing",
        "one at rest",
        "one number",
        "one sample",
        "whole numbers",
        "short",
    ],
)
def test_other_sequences_have_no_filler(given: Any) -> None:
    assert filler_of(given) is None
