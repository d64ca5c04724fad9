"""What is in a data set more than once."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")

from runtime_probe.tap import copies  # noqa: E402 - needs torch


def look(x: Any, y: Any) -> Any:
    stretches = [[x[start : start + 128], y[start : start + 128]] for start in range(0, len(x), 128)]
    return copies.look(stretches, {"[0]"}, {"[1]"})


def data(*shape: int) -> Any:
    torch.manual_seed(0)
    return torch.randn(1024, *shape)


def test_data_that_are_there_once() -> None:
    found = look(data(9), data(3) * 2.0)
    assert (found.repeated, found.still, found.answered) == (0.0, "", "")


def test_episodes_of_one_seed() -> None:
    assert look(data(9)[:128].repeat(8, 1), data(3)).repeated > 0.8


def test_whole_numbers_may_repeat() -> None:
    assert look(torch.randint(0, 2, (1024, 5)).float(), data(3)).repeated == 0.0


def test_histories_of_one_array() -> None:
    assert look(data(1, 9).expand(-1, 6, -1), data(3)).still == "[0]"
    assert look(data(6, 9), data(3)).still == ""


def test_a_target_among_the_inputs() -> None:
    history = data(5, 8)
    assert look(history, (history[:, -1, 4:7] - 3.0) / 2.0).answered == "[1]"
    assert look(history, history[:, -1, 4:7] + 0.01 * data(3)).answered == ""


def test_a_reconstruction_and_a_straight_line_are_no_leaks() -> None:
    x = data(6)
    assert look(x, x).answered == ""
    assert look(x, 2 * x[:, :1] + 1).answered == ""


def test_parts_of_one_number_for_each_sample() -> None:
    found = look(data(), data())
    assert (found.repeated, found.still, found.answered) == (0.0, "", "")
    assert look(data(9), data()).answered == ""
