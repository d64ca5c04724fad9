"""A prior that outweighs the reconstruction: latents come to say nothing."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Check, Outcome, number, passed, skipped, warned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Compare what the loss wants of the means of latents for the prior's sake with what the reconstruction wants."""
    priors = [prior for prior in record.latents.priors if prior.likeness > 0]
    if not priors:
        yield skipped("no latents with a standard normal prior were seen")
        return
    weight = median(prior.weight for prior in priors)
    if weight > t.PRIOR_OUTWEIGHS:
        yield warned(
            f"the prior pulls the latents {number(weight)} times as hard as the reconstruction (healthy: below 0.5):"
            " the posterior collapses",
            "reduce both terms alike (sums over dimensions, means over samples), lower the weight of the divergence,"
            " or let it grow from 0",
            priors[0].where,
            weight=weight,
        )
    else:
        yield passed(f"the prior pulls {number(weight)} times as hard as the reconstruction", weight=weight)


CHECK = Check(
    id="prior-outweighs",
    title="Reconstruction against prior",
    step=7,
    seed="",
    why="A decoder is trained by what the latents say. Where the divergence from the prior is by far the stronger, they"
    " say nothing within a few hundred steps, and every sample is reconstructed as the mean of the data (Bowman et"
    " al., arXiv:1511.06349).",
    run=run,
)
