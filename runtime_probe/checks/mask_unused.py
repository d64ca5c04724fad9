"""Masks that a data set hands out and nobody applies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe.checks.base import Check, Outcome, names, passed, skipped, warned
from runtime_probe.checks.masks import POSITIONS, may_be_one, named, weighs_samples

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import MaskRecord, Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Name the masks of the batch that reach neither a model nor a loss."""
    masks = [mask for mask in record.masks if mask.part and _is_mask(mask)]
    unused = [mask for mask in masks if not mask.used]
    if unused:
        called = f", {unused[0].variable}" if unused[0].variable else ""
        yield warned(
            f"the batch holds {names([mask.part for mask in unused])}{called} ({unused[0].share:.0%} of it True), and"
            " neither a model nor the loss is given it",
            "multiply the errors by the mask, or index with it, before they are averaged; or leave it out of the data"
            " set",
            share=unused[0].share,
        )
    elif masks:
        yield passed(f"{names([mask.part for mask in masks])}: used")
    else:
        yield skipped("the batch holds no mask")


def _is_mask(mask: MaskRecord) -> bool:
    """What is called one, what marks targets that are filled up, and any truth value for each position or sample."""
    telling = mask.filled is not None or (mask.boolean and mask.dimensions >= POSITIONS)
    return named(mask) or (may_be_one(mask) and telling) or weighs_samples(mask)


CHECK = Check(
    id="mask-unused",
    title="Masks are applied",
    step=7,
    seed="",
    why="A mask says which positions are real: not padded, tracked, visible. A loss without it learns the fillers, and"
    " these are often most of the batch.",
    run=run,
)
