"""Variances that a loss drives one way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Check, Outcome, failed, passed, skipped

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Look at what the loss wants of an output that weighs the error of another one."""
    found = record.features.boundless
    if family.name == "reinforcement learning":
        yield skipped("values and policies weigh each other, and neither is the variance of the other")
        return
    if len(found) >= t.DRIVEN:
        yield failed(
            "an output that weighs the errors of another one is driven one way by large and by small errors alike, and"
            " never comes to rest",
            "a negative log-likelihood is 0.5 * (log_var + error ** 2 * exp(-log_var)): check the sign of the exponent,"
            " and that log_var itself is added",
            found[0],
        )
    elif any(pull.numbers for pull in record.pulls):
        yield passed("no output weighs the errors of another one without a bound")
    else:
        yield skipped("no output of a model was compared with numbers of the batch")


CHECK = Check(
    id="variance-boundless",
    title="Predicted variances come to rest",
    step=7,
    seed="there is a fundamental problem with the forward pass or loss computation",
    why="A predicted variance is held where it equals the squared error: the error pushes it up, its own logarithm"
    " pulls it down. With a wrong sign, or without one of the two, it grows or shrinks without end, and with it the"
    " weight of each sample.",
    run=run,
)
