"""Dimensions of outputs that get no gradient, and gradients that are 0 for other reasons."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

torch = pytest.importorskip("torch")

from runtime_probe.record import Unlearnt, Where  # noqa: E402 - needs torch
from runtime_probe.tap import unlearnt  # noqa: E402 - needs torch

if TYPE_CHECKING:
    from collections.abc import Sequence

HERE = Where("train.py", 3)


def silent(gradients: Sequence[torch.Tensor], *given: torch.Tensor) -> list[int]:
    known: list[Unlearnt] = []
    for gradient in gradients:
        unlearnt.note(known, "Net", gradient, given, HERE)
    return known[0].dimensions if known else []


def without(gradient: torch.Tensor, *places: int) -> torch.Tensor:
    made = gradient.clone()
    made[..., list(places)] = 0
    return made


@pytest.mark.parametrize("shape", [(32, 5), (32, 8, 5)])
def test_a_dimension_of_features_that_no_step_reaches_is_found(shape: tuple[int, ...]) -> None:
    gradients = [without(torch.randn(shape), 1, 2), without(torch.randn(shape), 2)]
    assert silent(gradients, torch.randn(32, 7), torch.randn(32, 3, 64, 64)) == [2]


def test_what_another_batch_reaches_is_not() -> None:
    assert silent([without(torch.randn(32, 5), 1), torch.randn(32, 5)]) == []


@pytest.mark.parametrize(
    ("shape", "given"),
    [
        ((32, 9), torch.randn(32, 9, 4)),
        ((32, 9), torch.ones(32, 9, dtype=torch.long)),
        ((32, 4, 9), torch.ones(32, 9, dtype=torch.long)),
        ((32, 4, 20), torch.randn(32, 7)),
        ((32, 24, 24), torch.randn(32, 3, 24, 24)),
    ],
    ids=["steps of numbers", "steps of tokens", "classes of steps", "longer than deep", "pixels"],
)
def test_steps_and_pixels_are_no_features(shape: tuple[int, ...], given: torch.Tensor) -> None:
    assert silent([without(torch.randn(shape), 0)], given) == []


def test_what_is_picked_one_at_a_time_may_leave_some_out() -> None:
    picked = torch.nn.functional.one_hot(torch.arange(32) % 5, 6).float()
    assert silent([picked]) == []


def test_heads_of_one_name_and_different_widths_are_held_apart() -> None:
    assert silent([without(torch.randn(32, 5), 3), torch.randn(32, 2)]) == [3]
