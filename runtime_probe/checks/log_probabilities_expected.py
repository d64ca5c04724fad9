"""nll_loss on anything but log-probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe.checks.base import Check, Outcome, failed, number, passed, skipped
from runtime_probe.checks.loss_arguments import calls_of, most

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Look for inputs of nll_loss whose exponentials do not sum to 1."""
    calls = calls_of(record, "nll_loss")
    if not calls:
        yield skipped("nll_loss was not called")
        return
    bad = [call for call in calls if not call.log_normalized and not call.made_by.startswith("LogSoftmax")]
    if most(calls, bad):
        call = bad[0]
        what = "probabilities" if call.sums_to_one else "numbers whose exponentials do not sum to 1"
        yield failed(
            f"nll_loss was given {what} ({number(call.input_minimum)} to {number(call.input_maximum)})",
            "put log_softmax in front, or call cross_entropy on the logits",
            call.where,
        )
    else:
        yield passed("nll_loss is given log-probabilities", calls[0].where)


CHECK = Check(
    id="nll-without-log-softmax",
    title="nll_loss gets log-probabilities",
    step=7,
    seed="This should be caught by PyTorch's internal log_softmax",
    why="nll_loss picks a number and negates it. On raw logits it can fall without end and means nothing.",
    run=run,
)
