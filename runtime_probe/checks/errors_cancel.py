"""Losses that add errors up before they make them positive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe.checks.base import Check, Outcome, failed, passed, skipped

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Look at whether predictions above and below their targets get the same gradient."""
    where = record.features.errors_cancel
    if where is not None:
        yield failed(
            "predictions above their targets and predictions below get the very same gradient: errors cancel before"
            " they are squared",
            "square or take the absolute value of each error, then average: ((prediction - target) ** 2).mean()",
            where,
        )
    elif any(pull.numbers for pull in record.pulls):
        yield passed("each prediction is pulled to its own target")
    else:
        yield skipped("no output of a model was compared with numbers of the batch")


CHECK = Check(
    id="errors-cancel",
    title="Each error counts",
    step=7,
    seed="there is a fundamental problem with the forward pass or loss computation",
    why="(prediction - target).mean() ** 2 is 0 for a model that is right on average, whatever it predicts for each"
    " sample. The gradient at all predictions is one number, so the model learns a constant.",
    run=run,
)
