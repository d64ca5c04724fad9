"""Noise that is scaled by numbers below 0."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe.checks.base import Check, Outcome, passed, skipped, warned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Ask what a model has given for a standard deviation."""
    where = record.latents.negative_scale
    if where is not None:
        yield warned(
            "noise is multiplied here by what a model says, and that is below 0 for some: no standard deviation is",
            "std = (0.5 * logvar).exp(), log_std.exp() or softplus",
            where,
        )
    elif record.latents.priors:
        yield passed("standard deviations of latents are above 0")
    else:
        yield skipped("no noise is scaled by what a model says")


CHECK = Check(
    id="deviation-negative",
    title="Standard deviations are positive",
    step=7,
    seed="",
    why="A network that is to give the logarithm of a variance gives numbers of both signs. Taken for the deviation"
    " itself they make samples that look right, and the divergence from the prior holds down something else.",
    run=run,
)
