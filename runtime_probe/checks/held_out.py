"""Held-out data that come in other numbers than those of training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Check, Outcome, failed, number, passed, skipped, warned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Compare spread and mean of the inputs of both."""
    for found in record.held_out:
        numbers: dict[str, Any] = {"ratio": found.ratio, "shift": found.shift}
        if not 1 / t.HELD_OUT_RATIO < found.ratio < t.HELD_OUT_RATIO or found.shift > t.HELD_OUT_SHIFT:
            yield warned(
                f"{found.part} of a held-out {found.dataset} has {number(found.ratio)} times the spread of that of"
                f" training, and its mean lies {number(found.shift)} standard deviations beside",
                "normalize held-out data, and what the robot sees, as the data of training, with the statistics of"
                " training; unless the evaluation does so later",
                **numbers,
            )
        else:
            yield passed(f"{found.part} of a held-out {found.dataset} is scaled as that of training", **numbers)
    for site in record.asked_outside:
        most, furthest = (t.ACTING_RATIO, t.ACTING_SHIFT) if site.acting else (t.HELD_OUT_RATIO, t.OUTSIDE_SHIFT)
        numbers = {"ratio": site.ratio, "shift": site.shift}
        if site.unscaled or not 1 / most < site.ratio < most or site.shift > furthest:
            cause = ": the means and deviations that one is scaled by are not applied to the other" * site.unscaled
            report = failed if site.unscaled else warned
            yield report(
                f"{site.part} of {site.model} has {number(site.ratio)} times the spread here of that in training, and"
                f" its mean lies {number(site.shift)} standard deviations beside{cause}",
                "normalize what is evaluated, and what the robot sees, as the data of training",
                site.where,
                **numbers,
            )
        else:
            yield passed(f"{site.part} of {site.model} comes here as in training", site.where, **numbers)
    if not record.held_out and not record.asked_outside:
        yield skipped("no other data set with the same inputs was found in this process")


CHECK = Check(
    id="held-out-data-differ",
    title="Held-out data are scaled alike",
    step=1,
    seed="",
    why="What is normalized in one place and not in the other trains well and fails wherever it is used: the loss of"
    " training falls, that of validation rises, and it looks like overfitting.",
    run=run,
)
