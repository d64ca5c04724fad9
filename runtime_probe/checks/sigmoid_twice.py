"""Sigmoid twice: probabilities given to binary_cross_entropy_with_logits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe.checks.base import Check, Outcome, failed, number, passed, skipped
from runtime_probe.checks.loss_arguments import calls_of, most

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Look for inputs that a sigmoid made."""
    calls = calls_of(record, "binary_cross_entropy_with_logits")
    if not calls:
        yield skipped("binary_cross_entropy_with_logits was not called")
        return
    bad = [call for call in calls if call.made_by.startswith(("SigmoidBackward", "SoftmaxBackward"))]
    if most(calls, bad):
        call = bad[0]
        yield failed(
            f"binary_cross_entropy_with_logits was given the output of a sigmoid ({number(call.input_minimum)} to"
            f" {number(call.input_maximum)})",
            "give it the logits: drop the sigmoid, or call binary_cross_entropy",
            call.where,
        )
    else:
        yield passed("binary_cross_entropy_with_logits is given logits", calls[0].where)


CHECK = Check(
    id="sigmoid-applied-twice",
    title="BCEWithLogits gets logits",
    step=7,
    seed="the sigmoid or softmax saturates to exactly 0 or 1 in float16",
    why="A sigmoid of a sigmoid lies between 0.5 and 0.73: the model can never say no.",
    run=run,
)
