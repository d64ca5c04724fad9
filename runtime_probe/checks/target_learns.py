"""A target that carries a gradient: it is pulled toward the prediction, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe.checks.base import Check, Outcome, passed, skipped, warned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Report loss functions that differentiate by their target."""
    if not record.loss_calls:
        yield skipped("no prediction was compared with a target")
        return
    learning = {str(call.where): call for call in record.loss_calls if call.target_learns}
    for call in learning.values():
        yield warned(
            f"the target of {call.function} depends on parameters: the loss moves it toward the prediction, too",
            "compute a target that another network or another time step gives under torch.no_grad(), or detach() it",
            call.where,
        )
    if not learning:
        yield passed("targets carry no gradient", record.loss_calls[0].where)


CHECK = Check(
    id="target-learns",
    title="Targets stay put",
    step=7,
    seed="",
    why="A bootstrapped target (Q-learning, a teacher, a stop-gradient of self-supervision, a codebook) that is not"
    " detached lets the easiest solution win: both sides collapse to a constant. Two branches that are meant to meet"
    " are legitimate; so this warns.",
    run=run,
)
