"""One layer that stands several times in a stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe.checks.base import Check, Outcome, names, passed, skipped, warned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Report stacks that hold the same layer, with the same weights, more than once."""
    for model in record.models:
        if model.repeated:
            yield warned(
                f"{model.name}: {names(model.repeated)} holds the same layer more than once, with the same weights",
                "make one for each place: nn.ModuleList([Block() for _ in range(n)]), not [Block()] * n",
                model.where,
            )
    if record.models and not any(model.repeated for model in record.models):
        yield passed("each place of a stack has a layer of its own")
    elif not record.models:
        yield skipped("no model was seen")


CHECK = Check(
    id="layers-repeated",
    title="Layers of a stack are different ones",
    step=4,
    seed="is your model actually large enough for the task complexity?",
    why="[Block()] * 12 is one block, twelve times: the model has a twelfth of the parameters that were meant. Shared"
    " layers on purpose (ALBERT) look the same; so this warns.",
    run=run,
)
