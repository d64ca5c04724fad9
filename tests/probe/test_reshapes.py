"""view() and reshape() that exchange dimensions, and those that only merge and split."""

from __future__ import annotations

import itertools
from math import prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from runtime_probe.tap.reshapes import exchanged, interleaved  # noqa: E402 - needs torch

SIZES = st.lists(st.sampled_from([2, 3, 5, 7, 11, 13]), min_size=1, max_size=5)


@pytest.mark.parametrize(
    ("before", "after", "first"),
    [
        ((64, 48, 3), (3, 64, 48), True),
        ((2, 16, 8, 8), (2, 64, 16), False),
        ((4, 12, 32), (4, 32, 12), False),
        ((4, 12, 32), (12, 4, 32), True),
        ((4, 12, 64), (4, 8, 12, 8), False),
        ((4, 2, 9, 9), (324, 2), True),
        ((4, 48, 8, 8), (4, 3, 32, 32), False),
        ((4, 3, 32, 16), (4, 12, 16, 8), False),
    ],
    ids=["picture", "tokens", "time", "batch", "heads", "logits", "pixel shuffle", "pixels into channels"],
)
def test_another_order_is_seen(before: tuple[int, ...], after: tuple[int, ...], first: bool) -> None:
    assert exchanged(before, after) is first


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((4, 12, 64), (4, 12, 4, 16)),
        ((4, 12, 4, 16), (48, 64)),
        ((4, 12, 8), (4, 6, 16)),
        ((4, 1, 9), (4, 9, 1)),
        ((4, 3, 64, 64), (4, 3, 16, 4, 16, 4)),
        ((5, 7), (35,)),
        ((4, 1024, 1, 1), (4, 64, 4, 4)),
        ((8, 48, 6, 6), (4, 12, 12, 12)),
    ],
    ids=["heads", "merge", "stacked frames", "one", "patches", "flat", "one pixel", "another batch"],
)
def test_cutting_anew_is_not(before: tuple[int, ...], after: tuple[int, ...]) -> None:
    assert exchanged(before, after) is None


@given(SIZES, st.data())
def test_merging_neighbours_never_exchanges(sizes: list[int], data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(0, len(sizes)))) | {0, len(sizes)})
    merged = [prod(sizes[a:b]) for a, b in itertools.pairwise(cuts)]
    assert exchanged(sizes, merged) is None
    assert exchanged(merged, sizes) is None


@given(st.permutations([2, 3, 5, 7]))
def test_sizes_in_another_order_always_do(sizes: list[int]) -> None:
    assert (exchanged([2, 3, 5, 7], sizes) is None) == (sizes == [2, 3, 5, 7])


def test_a_picture_that_was_reshaped_is_told_from_one_that_was_permuted() -> None:
    rows, columns = torch.meshgrid(torch.linspace(0, 3, 32), torch.linspace(0, 3, 32), indexing="ij")
    picture = torch.stack([rows.sin(), columns.cos() + 2, rows * columns / 9 - 2], dim=-1)
    assert interleaved(picture.reshape(1, 3, 32, 32))
    assert not interleaved(picture.permute(2, 0, 1)[None])
    assert not interleaved(torch.randn(2, 3, 32, 32))


def test_grey_pictures_whose_colours_are_much_alike_are_recognized_all_the_same() -> None:
    torch.manual_seed(0)
    shade = torch.nn.functional.interpolate(torch.randn(8, 1, 6, 6), size=(24, 24), mode="nearest")
    pictures = shade.expand(-1, 3, -1, -1) + 0.6 * torch.randn(8, 3, 1, 1) + 0.2 * torch.randn(8, 3, 24, 24)
    assert interleaved(pictures.permute(0, 2, 3, 1).reshape(8, 3, 24, 24))
    assert not interleaved(pictures)
