"""Masks that a data set hands out and nobody applies."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runtime_probe.checks.base import Check, Outcome, names, passed, skipped, warned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import MaskRecord, Record

_NAMED = re.compile(r"mask|valid|pad(ding|ded)?(_|$)|missing|visib|present|observed|occluded|ignore", re.IGNORECASE)
_NAMED_OTHERWISE = re.compile(r"done|terminal|truncat|first|last|success|reset|label|target|class", re.IGNORECASE)
_SEQUENCES = 2
"""Dimensions: one truth value for each position, not for each sample."""


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Name the masks of the batch that reach neither a model nor a loss."""
    masks = [mask for mask in record.masks if mask.part and _is_mask(mask)]
    unused = [mask for mask in masks if not mask.used]
    if unused:
        yield warned(
            f"the batch holds {names([mask.part for mask in unused])} ({unused[0].share:.0%} of it True), and neither"
            " a model nor the loss is given it",
            "multiply the errors by the mask, or index with it, before they are averaged; or leave it out of the data"
            " set",
            share=unused[0].share,
        )
    elif masks:
        yield passed(f"{names([mask.part for mask in masks])}: used")
    else:
        yield skipped("the batch holds no mask")


def _is_mask(mask: MaskRecord) -> bool:
    """What is called one, what marks filled up targets, and any truth value for each position; no ends of episodes."""
    if mask.filled is not None or _NAMED.search(mask.part):
        return True
    return mask.boolean and mask.dimensions >= _SEQUENCES and not _NAMED_OTHERWISE.search(mask.part)


CHECK = Check(
    id="mask-unused",
    title="Masks are applied",
    step=7,
    seed="",
    why="A mask says which positions are real: not padded, tracked, visible. A loss without it learns the fillers, and"
    " these are often most of the batch.",
    run=run,
)
