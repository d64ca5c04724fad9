"""Samples of a batch that influence each other: a forgotten batch_first, a reshape across the batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Check, Outcome, failed, number, passed, skipped, warned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Judge the movement of the other samples' outputs after one sample was changed."""
    yield from _over_batch(record)
    across = record.features.wrong_axis
    if across is not None:
        yield warned(
            f"{across.layer} takes samples for steps: it runs along dimension {across.steps} of {tuple(across.shape)},"
            f" where neighbours have nothing to do with each other, as they have along dimension {1 - across.steps}",
            f"batch_first={not across.steps}, or exchange both dimensions before",
            across.where,
        )
    tried = [leak for leak in record.experiments.leakage if leak.kind == "samples"]
    if not tried:
        yield skipped("changing one sample was not tried")
    for leak in tried:
        detail = f" ({leak.detail})" if leak.detail else ""
        if not leak.moved > t.LEAKAGE:
            yield passed(f"{leak.model}: changing one sample moves no other's output{detail}", moved=leak.moved)
            continue
        message = (
            f"{leak.model}: changing one sample moves the outputs of others by {number(leak.moved)} of its own{detail}"
        )
        remedy = "look for a missing batch_first=True, a view() or reshape() across the batch, softmax over dim 0"
        # Sequences in the order (time, batch) have a first dimension that is not the batch: only a loader, or a
        # family without sequences, makes it one.
        sure = record.batch.loaders > 0 or not record.features.token_input
        sure = leak.how == "told" or (leak.how == "cut" and sure)
        if family.measures_progress and sure:
            yield failed(message, remedy, moved=leak.moved)
        else:
            yield warned(message, remedy, moved=leak.moved)


def _over_batch(record: Record) -> Iterable[Outcome]:
    """A softmax along the first dimension, where the batch is."""
    for where in record.softmax_over_batch:
        yield warned(
            "a softmax runs along the first dimension, which is the batch: samples share one distribution",
            "give softmax the dimension of the classes: dim=-1, or dim=1 for pictures",
            where,
        )


CHECK = Check(
    id="samples-leak",
    title="Samples are independent",
    step=7,
    seed="there is a fundamental problem with the forward pass or loss computation",
    why="A transformer without batch_first attends over the batch instead of over time. Training works, better than it"
    " should; inference on one sample does not.",
    run=run,
)
