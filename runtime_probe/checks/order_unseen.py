"""Attention without positions: a sequence that is a bag of steps to the model."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runtime_probe.checks.base import Check, Outcome, names, passed, skipped, warned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record

_POSITIONS = re.compile(r"(^|[._])(pos(ition(s|al)?)?|wpe)([._]|$|_?(emb|enc))", re.IGNORECASE)


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Judge the outputs of a model that was given its sequence in another order."""
    for asked in record.experiments.orders:
        if asked.seen:
            yield passed(f"{asked.model}: another order of the sequence gives another output")
        else:
            yield warned(
                f"{asked.model}: the {asked.length} steps of its sequence may come in any order, and the output is the"
                " same",
                "add an encoding of the position to what the attention is given",
                length=asked.length,
            )
    unused = [
        p.name for p in record.parameters if _POSITIONS.search(p.name) and p.gradients == 0 and p.influences is False
    ]
    if unused:
        yield warned(
            f"{names(unused)} changes nothing and gets no gradient: positions are not added to what they belong to",
            "x = embed(tokens) + position[: tokens.shape[1]]",
        )
    same = record.features.same_position
    if same is not None:
        yield warned(
            "all positions of a sequence are looked up in the same row of the table of positions",
            "position = table(torch.arange(tokens.shape[1]))",
            same,
        )
    if not record.experiments.orders and not unused and same is None:
        yield skipped("no attention to tokens, or to a sequence of steps that are like their neighbours, was seen")


CHECK = Check(
    id="order-unseen",
    title="Attention knows positions",
    step=7,
    seed="",
    why="Attention treats what it is given as a set (Vaswani et al., arXiv:1706.03762, section 3.5). Without positions"
    " a trajectory is the set of its points, and a sentence that of its words. What is a set needs none.",
    run=run,
)
