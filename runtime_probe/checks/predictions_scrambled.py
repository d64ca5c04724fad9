"""Predictions put together from pieces of several outputs: view() where transpose() is meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe.checks.base import Check, Outcome, failed, passed, skipped

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Report losses whose rows of logits do not lie along one dimension of the model's output."""
    asked = [call for call in record.loss_calls if call.classes]
    for call in asked:
        if call.scrambled:
            yield failed(
                f"one prediction at {call.function} is put together from several outputs of the model",
                "use transpose() or permute() to reorder dimensions; view() and reshape() only cut them anew",
                call.where,
            )
    if asked and not any(call.scrambled for call in asked):
        yield passed("the classes of each prediction are one output of the model", asked[0].where)
    elif not asked:
        yield skipped("no logits of classes were seen")


CHECK = Check(
    id="predictions-scrambled",
    title="Order of logits",
    step=7,
    seed="there is a fundamental problem with the forward pass or loss computation",
    why="A (B, T, C) output that is viewed as (B, C, T) has the shape that cross_entropy asks for, and numbers of many"
    " positions in each prediction. The loss falls, to what an average can reach.",
    run=run,
)
