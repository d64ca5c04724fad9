"""Losses whose gradient is that of one number in a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Check, Outcome, passed, skipped, warned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Look at the largest element of the gradient at the output of the model."""
    share = record.features.top_gradient
    if share is None:
        yield skipped("no output of a model has enough numbers that get a gradient")
    elif share > t.TOP_GRADIENT:
        yield warned(
            f"{share:.0%} of the gradient at the output of the model belongs to one number of the batch",
            "look for a division by what may be nearly 0 (a relative error, 1 / std, an importance weight), and for"
            " outliers among the targets; divide by max(x, eps) with an eps of the scale of x",
            share=share,
        )
    else:
        yield passed(f"no number of the batch has more than {share:.1%} of the gradient at the output", share=share)


CHECK = Check(
    id="few-samples-dominate",
    title="All samples count",
    step=4,
    seed="those outliers will dominate the MSE gradient and make everything else irrelevant",
    why="A loss that divides by what it compares with, or by a probability, follows the few samples where that is close"
    " to 0, other ones in each batch. Clipping makes the steps short and leaves the direction theirs.",
    run=run,
)
