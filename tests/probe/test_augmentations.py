"""Pictures that a data set crops, shifts and turns, and masks that stay where they were."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch.nn import functional as F  # noqa: E402, N812 - needs torch

from runtime_probe.record import SHIFTED  # noqa: E402
from runtime_probe.tap import augmentations  # noqa: E402


def pictures() -> tuple[Any, Any]:
    """Scenes (8, 3, 48, 48) of one bright box before a smooth background, and their masks."""
    torch.manual_seed(0)
    image = F.interpolate(torch.rand(8, 3, 6, 6), size=48, mode="bilinear")
    mask = torch.zeros(8, 48, 48, dtype=torch.long)
    for row in range(8):
        top, left = (int(n) for n in torch.randint(2, 30, (2,)))
        mask[row, top : top + 14, left : left + 14] = 1
    return image + mask[:, None], mask


def shifted(x: Any, by: tuple[int, int]) -> Any:
    return x.roll(by, (-2, -1))


def draws(change: Any, follows: bool) -> Any:
    image, mask = pictures()
    made = [{"image": image, "mask": mask}]
    for _ in range(5):
        by = (int(torch.randint(10, 38, ())), int(torch.randint(10, 38, ())))
        made.append({"image": change(image, by), "mask": shifted(mask, by) if follows else mask})
    return made


@pytest.mark.parametrize("follows", [True, False])
def test_masks_move_with_their_pictures(follows: bool) -> None:
    [found] = augmentations.compare(draws(shifted, follows), {"image"}, {"mask"})
    assert found.turn == SHIFTED
    assert (found.unmoved < found.pairs) is follows


@pytest.mark.parametrize(
    "change",
    [
        lambda x, _: x + 0.3 * torch.randn_like(x),
        lambda x, _: x * (0.5 + torch.rand(8, 3, 1, 1)) + torch.rand(8, 3, 1, 1),
        lambda x, _: 1.0 - x,
        lambda x, _: F.avg_pool2d(x, 7, 1, 3),
        lambda x, _: x[:, torch.randperm(3)],
        lambda x, by: x.index_fill(-1, torch.arange(by[0], by[0] + 8), 0.0),
    ],
    ids=["noise", "colours", "inverted", "blurred", "channels", "cut out"],
)
def test_what_leaves_things_where_they_are_moves_nothing(change: Any) -> None:
    assert augmentations.compare(draws(change, follows=False), {"image"}, {"mask"}) == []


def test_positions_may_be_meant_for_shifted_pictures() -> None:
    made = [{**draw, "mask": torch.zeros(8, 2)} for draw in draws(shifted, follows=False)]
    assert augmentations.compare(made, {"image"}, {"mask"}) == []


def test_another_background_leaves_a_thing_where_it_is() -> None:
    image, mask = pictures()
    made = []
    for seed in range(5):
        torch.manual_seed(seed)
        behind = F.interpolate(torch.rand(8, 3, 9, 9), size=48, mode="bilinear")
        made.append({"image": torch.where(mask[:, None] > 0, image, behind), "mask": mask})
    assert augmentations.compare(made, {"image"}, {"mask"}) == []


def test_a_grid_of_tokens_is_no_mask() -> None:
    made = [{**draw, "mask": torch.arange(8 * 8 * 7).reshape(8, 8, 7)} for draw in draws(shifted, follows=False)]
    assert augmentations.compare(made, {"image"}, {"mask"}) == []
