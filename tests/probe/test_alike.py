"""Samples that differ, and answers that do not."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402 - needs torch

from runtime_probe.tap.alike import _ask  # noqa: E402
from runtime_probe.tap.calls import Call, zeroed  # noqa: E402


class Positions(nn.Module):
    """The same for all samples, by design."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.randn(1, 5, 3))

    def forward(self, x: Any) -> Any:
        return self.table.expand(len(x), -1, -1)


class PositionsOfATable(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(5, 8)

    def forward(self, x: Any) -> Any:
        return self.table(torch.arange(x.shape[1])).expand(len(x), -1, -1)


class Constant(nn.Module):
    """Says one thing, whatever it is given."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self.layer, self.value = nn.Linear(3, 2), value

    def forward(self, x: Any) -> Any:
        return 0 * self.layer(x).sum(1) + self.value


def asked(module: nn.Module, *given: Any) -> Any:
    return next(iter(_ask(Call(module, given, {}))), None)


def test_what_reads_its_input_answers_differently() -> None:
    assert asked(nn.Linear(3, 2), torch.randn(6, 3)) is None


def test_what_says_one_thing_to_all_is_found() -> None:
    found = asked(Constant(0.7), torch.randn(6, 3))
    assert (found.samples, found.alike, found.filled) == (6, 6, False)


@pytest.mark.parametrize(
    ("module", "given"),
    [
        (Positions(), torch.randn(6, 5, 3)),
        (PositionsOfATable(), torch.randn(6, 5, 3)),
        (Constant(0.0), torch.randn(6, 3)),
        (Constant(1.0), torch.randn(6, 3)),
        (Constant(0.7), torch.ones(6, 3)),
        (Constant(0.7).bfloat16(), torch.randn(6, 3).bfloat16()),
        (Constant(float("nan")), torch.randn(6, 3)),
    ],
    ids=["positions", "positions of a table", "zero", "saturated", "one sample", "rounded", "nan"],
)
def test_what_has_another_reason_is_left_alone(module: nn.Module, given: Any) -> None:
    assert asked(module, given) is None


class Field(nn.Module):
    def forward(self, positions: Any, frame_lengths: Any, batch: Any, mask: Any = None) -> Any: ...


def test_inputs_are_zeroed_whatever_they_are_called_and_what_says_how_to_read_them_stays() -> None:
    ones = torch.ones(4, 3)
    counts = torch.full((4,), 3)
    call = Call(Field(), (ones, counts, {"labels": ones, "image": ones}), {"mask": ones, "extra": ones})
    (positions, lengths, batch), keywords = zeroed(call)
    assert [bool(t.any()) for t in (positions, lengths, batch["labels"], batch["image"])] == [False, True, True, False]
    assert [bool(keywords[name].any()) for name in ("mask", "extra")] == [True, False]
