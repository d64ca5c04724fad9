"""Diffusion and flow: the scale of the noise against that of the data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Check, Outcome, number, passed, skipped, warned
from runtime_probe.checks.descent import middle

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record

_ACTIONS = 32
"""Dimensions that a robot may have; what has more is a picture, or a signal, and may have empty borders."""


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Compare the noise with the largest dimension of the data, and with the typical one."""
    noise = record.features.noise_std
    data = [std for std in record.features.data_std if std > 0]
    flat = record.features.uniform_noise
    if flat is not None and family.name in {"flow", "diffusion"}:
        yield warned(
            "the noise that is mixed with the data is uniform between 0 and 1: its mean is 0.5, its std 0.29",
            "draw it with torch.randn or randn_like",
            flat,
        )
        return
    mix = record.features.mix
    if mix is not None and mix.straight and family.name == "diffusion" and record.features.time_integral:
        yield warned(
            "samples are noised with the shares a and 1 - a: their variance falls to a half in between, and a sampler"
            " that expects sqrt(a) and sqrt(1 - a) takes off another noise",
            "x_t = alpha_bar.sqrt() * data + (1 - alpha_bar).sqrt() * noise",
            samples=mix.samples,
        )
        return
    if mix is not None and mix.in_order and not mix.grows and record.features.time_integral:
        yield warned(
            "the later the time, the less noise is in the sample: data and noise have each other's share",
            "x_t = alpha_bar.sqrt() * data + (1 - alpha_bar).sqrt() * noise, alpha_bar falling from 1 to 0",
            samples=mix.samples,
        )
        return
    likeness = record.features.late_likeness
    if likeness is not None and likeness > t.LATE_LIKENESS:
        yield warned(
            f"at the latest times what the model is given still correlates by {number(likeness)} with the data: it is"
            " never asked about what sampling begins with",
            "x_t is made with the product of all alphas up to t (alphas_cumprod), and the schedule ends at about 0;"
            " betas for 1000 steps are too small for 100",
            likeness=likeness,
        )
        return
    if noise is None or not data or family.name not in {"flow", "diffusion"}:
        yield skipped("no noise was mixed with data")
        return
    typical = middle(data)
    numbers: dict[str, Any] = {"noise": noise, "data": typical, "smallest": min(data), "largest": max(data)}
    message = f"noise of std {number(noise)}, data of std {number(min(data))} to {number(max(data))}"
    # One dimension far above the noise is a fault; one far below it may be the border of an image.
    few = len(data) <= _ACTIONS
    drowned = typical * t.NOISE_RATIO < noise or (few and min(data) * t.SCALE_HINT < noise)
    if noise > 0 and (drowned or noise * t.NOISE_RATIO < max(data)):
        yield warned(
            message,
            "normalize the actions to unit variance, or scale the noise schedule by their standard deviation",
            **numbers,
        )
    else:
        yield passed(message, **numbers)


CHECK = Check(
    id="noise-scale-mismatch",
    title="Noise against data",
    step=7,
    seed="The noise schedule should be set relative to the action statistics, not"
    " copied from an image diffusion paper.",
    why="With noise far larger than the data almost every time step shows pure noise, with noise far smaller none does:"
    " either way most of the schedule teaches nothing.",
    run=run,
)
