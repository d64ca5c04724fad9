"""Attention whose weights add up to 1 along the wrong dimension."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe.checks.base import Check, Outcome, failed, passed, skipped

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Compare the dimension of the softmax with the one that the product with the values sums over."""
    features = record.features
    if features.attention_axis is not None:
        yield failed(
            "the weights of this softmax add up to 1 along another dimension than the one that is summed over next",
            "take the softmax over the keys: scores of shape (N, H, queries, keys) have dim=-1",
            features.attention_axis,
        )
    elif features.attention:
        yield passed("weights of attention add up to 1 over what is summed")
    else:
        yield skipped("no attention was seen")


CHECK = Check(
    id="attention-over-queries",
    title="Dimension of attention's softmax",
    step=7,
    seed="there is a fundamental problem with the forward pass or loss computation",
    why="Attention averages values, with weights that add up to 1 for each query (Vaswani et al., arXiv:1706.03762)."
    " Over the queries they do not: an output is a sum of any size, and what a causal mask hides is still felt.",
    run=run,
)
