"""Targets of a regression in the thousands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Check, Outcome, failed, number, passed, skipped, warned
from runtime_probe.checks.features import called, is_image, magnitudes, targets

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record

_DISTANCES = frozenset({"mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "subtract"})


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Judge the magnitude of targets that outputs are compared with by distance."""
    items = [i for i in targets(record) if i.name in _DISTANCES and i.dtype.startswith(("float", "bfloat")) and i.std]
    if not items:
        yield skipped("no squared or absolute error")
    for item in items:
        sizes = magnitudes(item)
        largest = max(range(len(sizes)), key=sizes.__getitem__)
        numbers: dict[str, Any] = {"magnitude": sizes[largest], "dimension": largest}
        mean, std = item.mean[largest], item.std[largest]
        message = f"{called(item)}: dimension {largest} has mean {number(mean)}, std {number(std)}"
        if sizes[largest] < t.MIXED_MAGNITUDE or (sizes[largest] < t.RAW_MAGNITUDE and is_image(item)):
            yield passed(message, **numbers)
            continue
        # Values of states may well be in the hundreds and thousands, and agents live with it.
        gross = family.name == "reinforcement learning" and sizes[largest] >= t.RAW_GROSS
        sure = gross or (family.measures_progress and sizes[largest] >= t.RAW_MAGNITUDE)
        say = failed if sure and not is_image(item) else warned
        yield say(
            f"{message}: an untrained network says 0, and has far to go",
            "normalize the targets by their mean and std over the training set; keep both to turn outputs back",
            item.where,
            **numbers,
        )


CHECK = Check(
    id="targets-not-normalized",
    title="Targets are normalized",
    step=1,
    seed="The standard fix is per-dimension normalization: subtract the per-dimension mean and divide by the"
    " per-dimension standard deviation across the training set.",
    why="Outputs start near 0 and move by the learning rate. A target of 5000 takes ten thousand steps of 1e-3 to"
    " reach, or, with plain gradients, an error squared that throws the weights far away.",
    run=run,
)
