"""Metric losses that move pairs the wrong way, or pick those that teach nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Check, Outcome, failed, passed, skipped, warned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Look which pairs a loss moves, and which way."""
    made = record.features.mining
    if made is None:
        yield skipped("no loss was seen that moves pairs of labelled samples")
    elif made.push_same > t.PAIRS_WRONG:
        yield failed(
            f"the loss pushes apart samples of one label ({made.push_same:.0%} of what it pushes)",
            "leave out of the negatives whatever has the label of the anchor: dist.masked_fill(same, inf)",
            made.where,
            share=made.push_same,
        )
    elif made.pull_other > t.PAIRS_WRONG:
        yield failed(
            f"the loss pulls together samples of different labels ({made.pull_other:.0%} of what it pulls)",
            "positives have the label of the anchor: dist.masked_fill(~same, 0)",
            made.where,
            share=made.pull_other,
        )
    elif made.pushes != made.pulls:
        gone = "pulls nothing together" if made.pushes else "pushes nothing apart"
        yield warned(
            f"the loss {gone}: the gradient of that part is cut, or never counts",
            "look for no_grad(), detach() and .item() where pairs are picked: pick the index without gradient, and"
            " take the distance with it",
            made.where,
        )
    elif made.ease is not None and made.ease > t.EASY_NEGATIVES:
        yield warned(
            "the negatives that are picked are the farthest ones: the margin is soon kept by all of them, and the near"
            " ones stay where they are",
            "pick the nearest of another label: dist.masked_fill(same, inf).min(dim=1)",
            made.where,
            ease=made.ease,
        )
    else:
        yield passed("samples of one label are pulled together, others pushed apart", made.where)


CHECK = Check(
    id="pairs-misjudged",
    title="Pairs are judged by their labels",
    step=7,
    seed="",
    why="What a metric loss learns from are the pairs that it picks (Schroff et al., arXiv:1503.03832; Hermans et al.,"
    " arXiv:1703.07737). An anchor that is its own negative, or the easiest negative, gives a loss that falls, or"
    " stays at the margin, and embeddings that find nothing.",
    run=run,
)
