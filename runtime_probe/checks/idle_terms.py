"""A term of the loss that trains nobody: its gradient is cleared before the optimizer that could use it steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe.checks.base import Check, Outcome, failed, passed, skipped

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Report losses of which one term is used and another one never."""
    for where in record.idle_terms:
        yield failed(
            "a term of this loss reaches only parameters whose gradient is cleared before their optimizer steps:"
            " it trains nobody",
            "look for sample() where rsample() is meant, for detach(), and for data in the place of the network's own"
            " output: an actor learns from a critic through the action that it gives",
            where,
        )
    if record.steps and not record.idle_terms:
        yield passed("each term of a loss reaches parameters that are stepped")
    elif not record.steps:
        yield skipped("no step was seen")


CHECK = Check(
    id="loss-term-idle",
    title="Each term of a loss is used",
    step=4,
    seed="there is a fundamental problem with the forward pass or loss computation",
    why="The loss of an actor is the judgement of a critic; the gradient must come back through the action. Where it"
    " does not, what is left (an entropy, a penalty) is all that the actor learns.",
    run=run,
)
