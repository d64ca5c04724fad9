"""Weights of classes that favour what is frequent already."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Check, Outcome, number, passed, skipped, warned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Compare weights with how often the classes occur, in the loss and in the sampler."""
    remedy = "weights are to be high for what is rare: total / (classes * count), or 1 / count for each sample"
    calls = [call for call in record.loss_calls if call.weights_follow is not None]
    asked = [call.weights_follow for call in calls if call.weights_follow is not None]
    if asked and median(asked) > t.WEIGHTS_FOLLOW:
        yield warned(
            f"the class weights of {calls[0].function} are higher for frequent classes"
            f" (rank correlation {number(median(asked))})",
            remedy,
            calls[0].where,
            correlation=median(asked),
        )
    elif asked:
        yield passed("class weights are not higher for frequent classes", calls[0].where)
    sampler = record.batch.sampler_follows
    if sampler is not None and sampler > t.WEIGHTS_FOLLOW:
        yield warned(
            f"the sampler draws samples of frequent classes more often still (rank correlation {number(sampler)})",
            remedy,
            correlation=sampler,
        )
    elif sampler is not None:
        yield passed("the sampler favours rare classes")
    if not asked and sampler is None:
        yield skipped("no class weights were seen, or all are much the same")


CHECK = Check(
    id="class-weights-reversed",
    title="Class weights favour the rare",
    step=7,
    seed="",
    why="Weights made of counts, in place of their inverses, tell the model to care for what it sees most. It learns to"
    " answer with the most frequent class, and the loss is low.",
    run=run,
)
