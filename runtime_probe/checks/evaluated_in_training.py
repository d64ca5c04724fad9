"""A model that is evaluated as it is trained: with dropout, and normalized by the batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe.checks.base import Check, Outcome, passed, skipped, warned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record

_SWITCH = ("lightning", "transformers")
"""Frameworks that set the mode themselves."""


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Compare the layers that have a mode with what the script says about it."""
    if record.framework in _SWITCH or family.name == "reinforcement learning":
        yield skipped("the framework sets the mode, or what acts is what is trained")
        return
    acting = [name for model in record.models for name, p in model.dropouts.items() if p > 0.0]
    acting += [name for model in record.models for name in model.norm_momenta]
    if not acting:
        yield skipped("no layer does anything else in eval mode")
    elif record.features.never_in_eval:
        where = record.features.never_in_eval[0]
        yield warned(
            f"no model is ever put in eval mode, and {where.function} asks one without gradients: there, too,"
            f" {acting[0]}{f' and {len(acting) - 1} more' if len(acting) > 1 else ''} drop at random or normalize by"
            " the batch",
            "call model.eval() before each evaluation, and model.train() after it",
            where,
            layers=len(acting),
        )
    else:
        yield passed("the script sets the mode of its models, or evaluates none")


CHECK = Check(
    id="evaluated-in-train-mode",
    title="Eval mode",
    step=3,
    seed="",
    why="Without model.eval(), dropout drops in the evaluation as well, and batch normalization takes its statistics"
    " from whatever stands in the same batch, one robot's observation alone in the end: numbers and behaviour are worse"
    " than the weights, and change with the batch size.",
    run=run,
)
