"""Noise that is the same at every step, or in every sample: a seed that is set again and again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe.checks.base import Check, Outcome, passed, skipped, warned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Report draws that were the same in two steps of the script's own, and samples that set a seed."""
    features = record.features
    if record.batch.seeded:
        yield warned(
            f"reading a sample sets the seed of {record.batch.seeded}: its random numbers are the same in all samples,"
            " and in all epochs",
            "set the seed once, before training; worker_init_fn is for those of the workers",
        )
    elif not features.draws_compared:
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
