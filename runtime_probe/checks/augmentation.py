"""Pictures that are flipped or turned, and targets that are not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Check, Outcome, failed, passed, skipped, warned
from runtime_probe.record import SHIFTED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Compare the targets of samples whose pictures came back turned; a class stays what it is."""
    for found in record.augmentations:
        numbers: dict[str, Any] = {"turned": found.pairs, "unmoved": found.unmoved}
        said = f"{found.part} of the same sample comes {found.turn}"
        if found.elsewhere > t.POINTS_ELSEWHERE * found.pairs and found.unmoved < found.pairs:
            yield warned(
                f"{said}, and {found.target}, which changes with it, points to other rows",
                "after x = x[order], what was row i is row torch.argsort(order)[i]",
                elsewhere=found.elsewhere,
                **numbers,
            )
        elif found.handed and found.unmoved == found.pairs >= t.HANDED_PAIRS:
            yield warned(
                f"{said}, and what {found.target} says stays, though {found.handed} are each other's mirror image",
                "exchange the two wherever the picture is flipped, or leave this flip out",
                **numbers,
            )
        elif found.unmoved < found.pairs:
            yield passed(f"{said}, and {found.target} changes with it", **numbers)
        elif found.turn == SHIFTED and found.pairs < t.SHIFTED_PICTURES:
            yield skipped(f"{said}, but too seldom to ask for {found.target}")
        elif found.turn == SHIFTED:
            yield warned(
                f"{said}, and {found.target}, a map of classes, stays as it was to the last pixel",
                "crop, shift and turn masks together with the image, by the same random numbers",
                **numbers,
            )
        elif found.spatial:
            yield failed(
                f"{said}, and {found.target}, a picture too, stays as it was",
                "flip and turn masks, depth and heat maps together with the image",
                **numbers,
            )
        elif found.numbers > 1 or not found.whole:
            yield warned(
                f"{said}, and {found.target} ({found.numbers} numbers) stays as it was",
                "change the target with the picture: mirror movements and coordinates, and exchange left and right;"
                " leave this augmentation out where that cannot be done",
                **numbers,
            )
        else:
            yield passed(f"{said}; {found.target} is a class, and stays", **numbers)
    if not record.augmentations:
        yield skipped("no data set flips or turns its pictures")


CHECK = Check(
    id="augmentation-not-of-targets",
    title="Targets follow augmentation",
    step=1,
    seed="",
    why="Flips and turns come from image classification, where the class stays. A mask, a keypoint, an action to the"
    " left do not: half of the labels are then wrong, and the best guess is their mean.",
    run=run,
)
