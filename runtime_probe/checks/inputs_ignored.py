"""A loss that is the same whatever goes in."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Check, Outcome, failed, number, passed, skipped, warned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Compare the ten steps with ten steps on inputs that are all zero."""
    for line in record.features.left_out:
        share = line.lost / max(line.samples, 1)
        if line.samples > 0 and share - t.LEFT_OUT_SURE / math.sqrt(line.samples) > t.LEFT_OUT:
            yield warned(
                f"an input is replaced in {share:.0%} of the samples here, at random: the model hardly ever sees it",
                "for classifier-free guidance leave it out of 5 to 20 %: look which way round the mask is",
                line.where,
                share=share,
                samples=line.samples,
            )
            return
    for answers in record.experiments.alike:
        if answers.alike == answers.samples:
            yield failed(
                f"{answers.model} answers the same to all {answers.samples} samples of the batch, to the last digit,"
                " though they differ",
                "print what reaches each layer: an output is read where the input does not come, at a class token or a"
                " position that sees only itself, or behind a dead layer",
                samples=answers.samples,
            )
            return
    zeroed, reference = record.experiments.zeroed, record.experiments.zeroed_reference
    if not zeroed or not reference:
        yield skipped("steps with the inputs set to zero were not tried")
        return
    pairs = [(z, r) for z, r in zip(zeroed, reference, strict=False) if math.isfinite(z) and math.isfinite(r)]
    if not pairs:
        yield skipped("the losses were not finite")
        return
    repeat = record.experiments.repeat or 0.0
    if repeat > t.REPEATABLE:
        yield skipped("the loss does not repeat under equal weights")
        return
    first = next((abs(step.loss) for step in record.steps if math.isfinite(step.loss)), 0.0)
    if abs(pairs[0][1]) < t.FITTED * first:
        yield skipped("the loss was fitted to nothing before the comparison began")
        return
    tolerance = t.INPUT_INDIFFERENT
    numbers: dict[str, Any] = {"zeroed": [z for z, _ in pairs], "reference": [r for _, r in pairs]}
    if all(abs(z - r) <= tolerance * max(abs(r), abs(pairs[0][1])) for z, r in pairs):
        # A model that has not moved or whose head starts at zero says the same to everyone at first.
        start = next((v for v in record.losses(record.experiments.repeat_optimizer) if math.isfinite(v)), pairs[0][1])
        moved = abs(pairs[-1][1] - start) > 10 * tolerance * abs(start)
        if not moved:
            yield skipped("the loss hardly moves in ten steps, with or without inputs", **numbers)
            return
        loss = next((loss for step in record.steps for loss in step.losses), None)
        # A denoiser starts with the mean of the noise, whatever it is shown: only equal to the last digit is sure.
        exactly = all(z == r for z, r in pairs)
        say = failed if exactly or family.name not in {"diffusion", "flow"} else warned
        yield say(
            f"the loss falls to {number(pairs[-1][1])} whether the inputs are there or zero: they do nothing",
            "print the batch that reaches the model; look for zeros, a wrong key, or an output that drops its input",
            loss.made_at if loss else None,
            **numbers,
        )
        return
    if len(pairs) == 1:
        z, r = pairs[0]
        yield passed(f"after the last step the loss is {number(r)}, with the inputs set to zero {number(z)}", **numbers)
        return
    with_inputs, without = pairs[0][1] - pairs[-1][1], pairs[0][0] - pairs[-1][0]
    yield passed(
        f"with inputs the loss falls by {number(with_inputs)}, with zeros in their place by {number(without)}",
        **numbers,
    )


CHECK = Check(
    id="inputs-ignored",
    title="Loss depends on the inputs",
    step=3,
    seed="If it does not, there is a fundamental problem with the forward pass or loss computation.",
    why="A model can lower its loss by learning the mean target and never look at its input. If ten steps on zeros"
    " give the same losses, that is all it does. A loss that merely falls as fast is reported, not judged: the mean"
    " comes first in healthy runs, too.",
    run=run,
)
