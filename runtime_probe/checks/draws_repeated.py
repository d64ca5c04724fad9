"""Noise that is the same at every step: a seed that is set within the loop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe.checks.base import Check, Outcome, passed, skipped, warned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Report draws that were the same in two steps of the script's own."""
    features = record.features
    if not features.draws_compared:
        yield skipped("no random numbers were drawn in the steps that were watched")
    elif features.draws_repeated is not None:
        yield warned(
            "the random numbers drawn here were the same at two steps in a row",
            "set the seed once, before the loop; give a Generator that lives as long as the run",
            features.draws_repeated,
        )
    else:
        yield passed("random numbers differ from step to step")


CHECK = Check(
    id="draws-repeated",
    title="Random numbers differ",
    step=7,
    seed="is the noise schedule appropriate for your action distribution?",
    why="Diffusion and flow losses are means over noise and time, augmentation over views. With a seed inside the"
    " loop each step sees the same ones: the loss falls fast, and the model knows nothing else.",
    run=run,
)
