"""Softmax twice: probabilities given to cross_entropy, which expects logits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe.checks.base import Check, Outcome, failed, number, passed, skipped
from runtime_probe.checks.loss_arguments import calls_of, most

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Look for inputs of cross_entropy that are probabilities."""
    calls = calls_of(record, "cross_entropy")
    if record.features.probabilities_as_logits is not None:
        yield failed(
            "a distribution was given probabilities for logits: softmax is applied twice, and it is nearly uniform",
            "Categorical(logits=...) of the numbers before the softmax, or Categorical(probs=...)",
            record.features.probabilities_as_logits,
        )
        return
    if not calls:
        yield skipped("cross_entropy was not called")
        return
    bad = [call for call in calls if call.made_by.startswith("SoftmaxBackward") or call.sums_to_one]
    if most(calls, bad):
        call = bad[0]
        yield failed(
            f"cross_entropy was given probabilities ({number(call.input_minimum)} to {number(call.input_maximum)}, with"
            " sum 1): softmax is applied twice",
            "give it the logits: drop the softmax at the end of the model",
            call.where,
        )
    else:
        yield passed("cross_entropy is given logits", calls[0].where)


CHECK = Check(
    id="softmax-applied-twice",
    title="cross_entropy gets logits",
    step=7,
    seed="Cross-entropy on a one-hot target that the model assigns exactly zero probability produces -log(0). ... This"
    " should be caught by PyTorch's internal log_softmax",
    why="cross_entropy applies log_softmax itself. On probabilities between 0 and 1 the second softmax is nearly flat:"
    " the loss falls, slowly, to a floor near ln C - 1.",
    run=run,
)
