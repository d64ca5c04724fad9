"""Flow and diffusion: times that are drawn once for a batch, or pile up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Check, Outcome, failed, passed, skipped, warned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Look at how often the commonest time occurs in the script's own batch."""
    times, mix = record.features.times, record.features.mix
    if mix is not None and not mix.in_order:
        yield failed(
            "the time that the model is given is not that of its sample: the share of the noise does not go with it",
            "draw the time once, make x_t with it, and give the model the same",
            samples=mix.samples,
        )
        return
    if times is None or times.samples < t.TIMES_ASKED:
        yield skipped("no batch with a time for each sample was seen")
    elif times.distinct == 1:
        yield warned(
            f"all {times.samples} samples of a batch have the same time `{record.features.time_argument}`",
            "draw one time for each sample: torch.rand(len(x)), torch.randint(0, T, (len(x),))",
            samples=times.samples,
        )
    elif times.commonest > t.TIMES_PILED and times.distinct >= t.TIMES_FEW:
        yield warned(
            f"{times.commonest:.0%} of a batch have the very same time `{record.features.time_argument}`",
            "clamp only what is a little beyond the ends: draw times uniformly, or as torch.sigmoid(torch.randn(n))",
            commonest=times.commonest,
        )
    else:
        yield passed(f"{times.distinct} times for {times.samples} samples", distinct=times.distinct)


CHECK = Check(
    id="times-not-spread",
    title="Each sample has its own time",
    step=7,
    seed="check that the time variable t is being sampled from [0, 1] with appropriate clamping",
    why="The loss at one time is many times that at another, so a batch at one time has a noisy gradient. Draws of the"
    " wrong range that are clamped pile up at an end, where little is to be learnt, and the rest is rarely seen.",
    run=run,
)
