"""Adam whose first average is slower than its second."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Check, Outcome, failed, number, passed, skipped, warned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record

_PAIR = 2


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Compare the decay of the averaged gradient with that of the averaged square, and with the length of the run."""
    asked = [optimizer for optimizer in record.optimizers if len(optimizer.betas) >= _PAIR]
    planned = record.features.planned_steps or 0
    for optimizer in asked:
        first, second = optimizer.betas[:_PAIR]
        numbers = {"beta1": first, "beta2": second}
        usual = "betas=(0.9, 0.999) are usual: the first is that of the gradient"
        if first > second and first >= t.BETA_SLOW:
            yield failed(
                f"{optimizer.name} averages gradients with {number(first)} and their squares with {number(second)}: the"
                " direction is that of long ago, the length that of the last few",
                usual,
                optimizer.where,
                **numbers,
            )
        elif planned >= t.A_RUN and first < 1.0 and 1.0 / (1.0 - first) > planned * t.MOMENTUM_OF_RUN:
            yield warned(
                f"{optimizer.name} averages gradients over {number(1.0 / (1.0 - first))} updates, and the run has"
                f" {planned}",
                usual,
                optimizer.where,
                **numbers,
            )
        else:
            yield passed(f"{optimizer.name}: {number(first)}, {number(second)}", optimizer.where, **numbers)
    if not asked:
        yield skipped("no optimizer averages squares beside gradients")


CHECK = Check(
    id="betas-exchanged",
    title="Betas of Adam",
    step=3,
    seed="",
    why="Adam divides the average of past gradients by the root of that of their squares. The latter must be the longer"
    " memory, or one large gradient is pushed along for as long as the former lasts.",
    run=run,
)
