"""Targets of a regression in the thousands."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Check, Outcome, failed, number, passed, skipped, warned
from runtime_probe.checks.features import called, is_image, magnitudes, targets

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record, TensorStatistics

_REMEDY = "normalize the targets by their mean and std over the training set; keep both to turn outputs back"
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
        limit = t.TARGET_LARGE if family.measures_progress else t.MIXED_MAGNITUDE
        if family.measures_progress and item.rows >= t.FEW_ROWS and not is_image(item) and not item.integral:
            off = _off_centre(item)
            if off:
                yield warned(f"{called(item)}: {off}", _REMEDY, item.where, **numbers)
                continue
        if sizes[largest] < limit or (sizes[largest] < t.RAW_MAGNITUDE and is_image(item)):
            yield passed(message, **numbers)
            continue
        # Values of states may well be in the hundreds and thousands, and agents live with it.
        gross = family.name == "reinforcement learning" and sizes[largest] >= t.RAW_GROSS
        sure = gross or (family.measures_progress and sizes[largest] >= t.RAW_MAGNITUDE)
        say = failed if sure and not is_image(item) else warned
        yield say(
            f"{message}: an untrained network says 0, and has far to go",
            _REMEDY,
            item.where,
            **numbers,
        )


def _off_centre(item: TensorStatistics) -> str:
    """Targets that hardly vary, beside their mean or at all; empty where one dimension does."""
    if not any(item.std):
        return ""
    ratios = [abs(mean) / std if std else math.inf for mean, std in zip(item.mean, item.std, strict=True)]
    if min(ratios) > t.OFF_CENTRE:
        return f"the mean of every dimension is more than {number(min(ratios))} times its std: what varies is lost"
    if max(item.std) < t.TARGET_FAINT:
        return f"no dimension has a std above {number(max(item.std))}: the error is that of the untrained output"
    return ""


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
