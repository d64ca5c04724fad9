"""Diffusion and flow: noise that is the target, and never reaches the model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe.checks.base import Check, Outcome, failed, passed, skipped

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Judge the iteration in which the noise was another one."""
    reaches = record.experiments.noise_reaches_model
    where = next((call.where for call in record.loss_calls), None)
    if record.features.other_noise is not None:
        yield failed(
            "the noise that the loss asks for is not the noise that was mixed with the data: it cannot be predicted",
            "draw the noise once, and use it for x_t and for the target",
            record.features.other_noise,
        )
    elif record.features.target_is_given is not None:
        yield failed(
            "the loss compares with the noised sample that the model is given: to copy it is enough",
            "compare with the noise, or with the data that it was mixed with",
            record.features.target_is_given,
        )
    elif reaches is None or family.name not in {"flow", "diffusion"}:
        yield skipped("no noise was drawn for a model that is given a time")
    elif reaches:
        yield passed("with other noise the model is given other inputs", where)
    else:
        yield failed(
            "with other noise the loss changes, and what the model is given does not: it cannot know what to predict",
            "give the model the noised sample x_t, not the clean one",
            where,
        )


CHECK = Check(
    id="noise-unseen",
    title="Noise reaches the model",
    step=7,
    seed="Self-supervised (diffusion/flow) loss not converging",
    why="A model that is given the clean sample, and is to predict the noise, learns that noise is 0 on average: the"
    " loss falls to the variance of the noise and stays. One replayed batch is learnt by heart, so the curve does"
    " not tell.",
    run=run,
)
