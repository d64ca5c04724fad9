"""A model that is trained in eval mode."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe.checks.base import Check, Outcome, failed, names, passed, skipped, warned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Look for models that stand in eval mode as a whole while they are trained."""
    models = [model for model in record.models if model.optimizers]
    if not models:
        yield skipped("no model was found")
    for model in models:
        if not model.idle:
            yield passed(f"{model.name} is in {'train' if model.training else 'eval'} mode")
            continue
        message = f"{model.name} is trained in eval mode: {names(model.idle)} do not do what they do in training"
        # A frozen BatchNorm keeps statistics that were learnt; a fresh one has none, and nobody can tell from here.
        normalizes = any("Norm" in layer for layer in model.idle)
        say = failed if normalizes and family.measures_progress else warned
        yield say(message, "call model.train() before the loop, and again after each evaluation", model.where)


CHECK = Check(
    id="eval-mode-in-training",
    title="Train mode",
    step=3,
    seed="If it does not, there is a fundamental problem with the forward pass or loss computation.",
    why="model.eval() before an evaluation, and no model.train() after it: from then on BatchNorm neither normalizes by"
    " the batch nor learns its statistics, and dropout drops nothing.",
    run=run,
)
