"""Weight decay that Adam takes for a part of the gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Check, Outcome, number, passed, skipped, warned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record

_ADAPTIVE = frozenset(("Adam", "NAdam", "RAdam", "Adamax"))


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Look at the weight decay of each Adam that is no AdamW."""
    asked = [o for o in record.optimizers if o.name in _ADAPTIVE and not o.decoupled and o.weight_decay > 0]
    for optimizer in asked:
        if optimizer.weight_decay >= t.DECAY_IN_ADAM:
            yield warned(
                f"{optimizer.name} adds a weight decay of {number(optimizer.weight_decay)} to the gradient, and divides"
                " the sum by the size of past gradients: weights with small gradients decay most",
                "AdamW keeps the two apart; 0.01 is its default, and too much for Adam",
                optimizer.where,
                weight_decay=optimizer.weight_decay,
            )
        else:
            yield passed(f"{optimizer.name}: {number(optimizer.weight_decay)}", optimizer.where)
    if not asked:
        yield skipped("no Adam adds weight decay to its gradients")


CHECK = Check(
    id="weight-decay-in-adam",
    title="Weight decay beside Adam",
    step=3,
    seed="Loss plateauing early, then flat. ... weight decay too large (the regularizer overpowers the loss gradient)",
    why="Added to the gradient, the decay is divided by the gradient's size like everything else. Where gradients are"
    " small it is all that is left, as large as the learning rate, and the weight goes to 0 (arXiv:1711.05101).",
    run=run,
)
