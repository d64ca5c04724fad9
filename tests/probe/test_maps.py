"""Masks that lie over pictures, or do not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402
from torch.utils.data import DataLoader, Dataset, IterableDataset  # noqa: E402

from runtime_probe.record import ClassesUnseen, LossCall, Record, Where  # noqa: E402
from runtime_probe.tap import maps, unseen  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runtime_probe.record import MapFit

COUNT, SIZE = 120, 32
INPUTS, TARGETS = {"[0]"}, {"[1]"}


def scenes() -> tuple[torch.Tensor, torch.Tensor]:
    """Pictures (N, 3, 32, 32) of a table with a disc, a box and a bar, noisy, and their masks (N, 32, 32), 0 to 3."""
    generator = torch.Generator().manual_seed(0)
    y, x = torch.meshgrid(torch.arange(SIZE), torch.arange(SIZE), indexing="ij")
    images, masks = torch.rand(COUNT, 3, 1, 1, generator=generator).repeat(1, 1, SIZE, SIZE) / 2, []
    for image in images:
        mask = torch.zeros(SIZE, SIZE, dtype=torch.long)
        for kind in (1, 2, 3):
            cx, cy, r = (torch.rand(3, generator=generator) * torch.tensor([24.0, 24.0, 3.0]) + 4.0).tolist()
            dx, dy = (x - cx).abs(), (y - cy).abs()
            inside = [dx**2 + dy**2 < r**2, torch.maximum(dx, dy) < r, (dx < 2) & (dy < r + 2)][kind - 1]
            mask[inside] = kind
            image[:, inside] = 0.5 + torch.rand(3, 1, generator=generator) / 2
        masks.append(mask)
    return images + 0.05 * torch.randn(images.shape, generator=generator), torch.stack(masks)


class Scenes(Dataset[Any]):
    def __init__(self, of_mask: Callable[[torch.Tensor], torch.Tensor], *, other: int = 0, flips: bool = False) -> None:
        self.images, masks = scenes()
        self.masks, self.flips = of_mask(masks).roll(other, 0), flips

    def __len__(self) -> int:
        return COUNT

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        image, mask = self.images[index], self.masks[index]
        if self.flips and torch.rand(()) < 0.5:
            image, mask = image.flip(-1), mask.flip(-1)
        return image, mask


def fit(data: Dataset[Any]) -> MapFit:
    [found] = maps.look(DataLoader(data, batch_size=8), INPUTS, TARGETS)
    return found


def as_it_is(masks: torch.Tensor) -> torch.Tensor:
    return masks


def resized(masks: torch.Tensor, mode: str) -> torch.Tensor:
    """Masks that were taken to 24 rows and back."""
    smaller = nn.functional.interpolate(masks[:, None].float(), size=24, mode=mode)
    return nn.functional.interpolate(smaller, size=SIZE, mode=mode)[:, 0].long()


@pytest.mark.parametrize("flips", [False, True])
def test_masks_over_their_pictures_fit(*, flips: bool) -> None:
    found = fit(Scenes(as_it_is, flips=flips))
    assert not found.turn
    assert found.dependence is not None
    assert found.dependence > 10
    assert found.blended == 0.0


@pytest.mark.parametrize(
    ("moved", "turn"),
    [
        (lambda masks: masks.transpose(1, 2), "transposed"),
        (lambda masks: masks.flip(1), "flipped upside down"),
        (lambda masks: masks.flip(2), "flipped left to right"),
        (lambda masks: masks.roll(5, 2), "shifted by 0 rows and -5 columns"),
    ],
)
def test_masks_that_were_moved_alone_are_found(moved: Callable[[torch.Tensor], torch.Tensor], turn: str) -> None:
    assert fit(Scenes(moved)).turn == turn


def test_masks_of_other_pictures_are_found() -> None:
    found = fit(Scenes(as_it_is, other=1))
    assert not found.turn
    assert found.dependence is not None
    assert found.dependence < 2.5


@pytest.mark.parametrize(
    "kind",
    [
        lambda masks: (masks > 0)[:, None].float(),  # for a binary cross-entropy
        lambda masks: masks.to(torch.uint8),
        lambda masks: masks[:, ::2, ::2],  # an output of half the size
        lambda masks: masks.repeat_interleave(2, 1)[:, ::2],
    ],
)
def test_masks_of_other_kinds_fit_as_well(kind: Callable[[torch.Tensor], torch.Tensor]) -> None:
    found = fit(Scenes(kind))
    assert not found.turn
    assert found.dependence is not None
    assert found.dependence > 10


def test_what_lies_within_things_is_not_shifted() -> None:
    """A place to grasp at is in the middle of its thing: its borders lie a few pixels within, on all sides."""
    found = fit(Scenes(lambda masks: -nn.functional.max_pool2d(-(masks > 0)[:, None].float(), 5, 1, 2)))
    assert not found.turn


def test_numbers_are_asked_for_turns_alone() -> None:
    depth = fit(Scenes(lambda masks: 1.0 - 0.1 * masks.float() + 0.01 * torch.rand(masks.shape)))
    assert not depth.turn
    assert depth.dependence is None
    assert fit(Scenes(lambda masks: 1.0 - 0.1 * masks.flip(1) + 0.01 * torch.rand(masks.shape))).turn


def test_interpolated_masks_have_rims_of_other_classes() -> None:
    assert fit(Scenes(lambda masks: resized(masks, "bilinear"))).blended > 0.4
    assert fit(Scenes(lambda masks: resized(masks, "nearest"))).blended < 0.1


def test_levels_of_something_smooth_are_no_rims() -> None:
    generator = torch.Generator().manual_seed(1)
    coarse = torch.rand(COUNT, 1, 4, 4, generator=generator) * 5
    levels = nn.functional.interpolate(coarse, size=SIZE, mode="bicubic").clamp(0, 4)[:, 0].long()
    assert fit(Scenes(lambda _: levels)).blended < 0.3


class Stream(IterableDataset[Any]):
    def __iter__(self) -> Iterator[Any]:
        return iter(Scenes(as_it_is))


@pytest.mark.parametrize(
    "data",
    [
        Stream(),
        [(torch.rand(3, SIZE, SIZE), 1)] * 100,
        [(torch.rand(7), torch.zeros(SIZE, SIZE, dtype=torch.long))] * 100,
        [(torch.rand(3, SIZE, SIZE), torch.zeros(SIZE, SIZE, dtype=torch.long))] * 100,
        [(torch.rand(3, SIZE, SIZE), torch.zeros(SIZE, 20, dtype=torch.long))] * 100,
        [(torch.rand(3, SIZE, SIZE), torch.randint(2, (SIZE, SIZE)))] * 10,
    ],
)
def test_what_is_no_mask_over_a_picture_is_left_alone(data: Any) -> None:
    assert not maps.look(DataLoader(data, batch_size=4), INPUTS, TARGETS)


def missing(data: Any, classes: int, shape: list[int]) -> list[ClassesUnseen]:
    record = Record()
    record.loss_calls.append(LossCall("cross_entropy", 1.0, Where(), [], shape, classes=classes))
    return unseen.look(DataLoader(data, batch_size=8), TARGETS, record)


def test_a_class_that_no_sample_has_is_found() -> None:
    merged = Scenes(lambda masks: (masks - 1).clamp(min=0))
    assert missing(merged, 4, [8, SIZE, SIZE]) == [ClassesUnseen("[1]", 4, [3], COUNT)]
    labels = [(torch.rand(3), index % 5) for index in range(1000)]
    assert missing(labels, 6, [8]) == [ClassesUnseen("[1]", 6, [5], 512)]


def test_a_rare_class_is_found_before_it_is_missed() -> None:
    labels = [(torch.rand(3), int(index % 100 == 50)) for index in range(500)]
    assert not missing(labels, 2, [8])


@pytest.mark.parametrize(
    ("label", "classes", "shape"),
    [
        (lambda index: index % 7, 100, [8]),  # words, bins: some are rare
        (lambda index: index % 7, 5, [8]),  # no index of these classes
        (lambda index: float(index % 2), 3, [8]),
        (lambda index: torch.tensor([index % 2, 1]), 3, [8, 2]),
    ],
)
def test_labels_of_something_else_are_left_alone(label: Callable[[int], Any], classes: int, shape: list[int]) -> None:
    assert not missing([(torch.rand(3), label(index)) for index in range(600)], classes, shape)
