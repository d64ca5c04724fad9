"""(B, 1) against (B,): every prediction is compared with every target."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from runtime_probe.checks.base import Check, Outcome, failed, passed, skipped, warned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Report the differences that became a table."""
    if record.features.likelihood_of_all is not None:
        yield failed(
            "the log-probabilities of all samples are one number here, and that is compared with a number for each"
            " sample",
            "sum over the dimensions of an action and keep the samples apart: log_prob(action).sum(-1)",
            record.features.likelihood_of_all,
        )
    elif record.broadcasts:
        call = record.broadcasts[0]
        left, right = _shape(call.input_shape), _shape(call.target_shape)
        repeated = len(call.input_shape) == len(call.target_shape)
        # Several guesses of one target may be meant, where the errors are kept apart to pick the best.
        say = warned if repeated and math.isnan(call.value) else failed
        what = "repeats the smaller one" if repeated else "compares every prediction with every target"
        yield say(
            f"{call.function} of {left} and {right}: broadcasting {what}",
            "give both the same shape: pred.squeeze(-1), or target.unsqueeze(-1)",
            call.where,
            input_shape=call.input_shape,
            target_shape=call.target_shape,
        )
    elif record.loss_calls:
        yield passed("nothing is broadcast", record.loss_calls[0].where)
    else:
        yield skipped("no prediction was compared with a target")


def _shape(shape: list[int]) -> str:
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"


CHECK = Check(
    id="loss-broadcasts",
    title="Shapes of prediction and target",
    step=7,
    seed="there is a fundamental problem with the forward pass or loss computation",
    why="The difference of (B, 1) and (B,) is (B, B). The loss falls until every prediction is"
    " the mean target, and stays.",
    run=run,
)
