"""Cross-entropy of the labels, with the prediction as what they should be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe.checks.base import Check, Outcome, failed, passed, skipped

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Ask which of the two arguments of a loss depends on parameters."""
    if not record.loss_calls:
        yield skipped("no loss function of torch was called")
        return
    for call in record.loss_calls:
        if call.swapped:
            yield failed(
                f"the first argument of {call.function} depends on no parameter, and the second does: they are swapped",
                f"{call.function}(prediction, target)",
                call.where,
            )
            return
    yield passed("losses are given the prediction first")


CHECK = Check(
    id="loss-arguments-swapped",
    title="Order of a loss's arguments",
    step=7,
    seed="there is a fundamental problem with the forward pass or loss computation",
    why="A squared error is the same both ways. A cross-entropy is not: with labels as logits and logits as labels it"
    " is linear in the prediction, falls without end, and pulls all predictions the same way.",
    run=run,
)
