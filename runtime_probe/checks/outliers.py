"""A few values far beyond the rest: teleoperator slips, sensor glitches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Check, Outcome, number, passed, skipped, warned
from runtime_probe.checks.features import called, is_map, targets

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record, TensorStatistics

_PICTURES = 4
"""Dimensions of a batch of images."""


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Look for readings that were lost, and at the largest robust z-score of each dimension of inputs and targets."""
    yield from _dropouts(record)
    # What a frozen part of the model makes of the data has its own tails: the data themselves are asked.
    inputs = [item for item in record.statistics if item.role == "model input" and item.dtype.startswith("float")]
    items = [i for i in inputs + targets(record) if i.outlier and i.rows >= t.OUTLIER_ROWS and not i.integral]
    items = [item for item in items if not is_map(item, record)]
    # A reward is the same at the end of each episode, and so is what is observed at its start.
    asked = [] if family.name == "reinforcement learning" else [i for i in items if i.role == "model input"]
    coded = [item for item in asked if 0.0 < max(item.sentinel, default=0.0) < t.SENTINEL]
    yield from map(_stand_in, coded)
    # A picture is background with things on it: its median says nothing.
    items = [item for item in items if len(item.shape) < _PICTURES]
    if not items and not coded and not record.dropouts:
        yield skipped(f"fewer than {t.OUTLIER_ROWS} values of each dimension")
    yield from (_outlier(item) for item in items if item not in coded)


def _dropouts(record: Record) -> Iterable[Outcome]:
    for lost in (dropout for dropout in record.dropouts if dropout.dimensions):
        dimensions = f"dimension{'s' * (len(lost.dimensions) > 1)} {', '.join(map(str, lost.dimensions[:8]))}"
        yield warned(
            f"{lost.part}: {lost.share:.1%} of the steps of {dimensions} leave their course for one and the same place,"
            " and come back: does it stand for a reading that was lost?",
            "interpolate what is missing, or mask it, before coordinates are changed and statistics are taken",
            share=lost.share,
            dimension=lost.dimensions[0],
        )


def _stand_in(item: TensorStatistics) -> Outcome:
    """Speak of the value that stands far from all others, again and again."""
    share, dimension = max((share, place) for place, share in enumerate(item.sentinel))
    return warned(
        f"{called(item)}: {share:.1%} of the values of dimension {dimension} are one and the same, and far from"
        f" all others{_range(item, dimension)}: does it stand for a missing value?",
        "leave out what is missing, or mask it, before statistics are taken",
        item.where,
        share=share,
        dimension=dimension,
    )


def _outlier(item: TensorStatistics) -> Outcome:
    score, dimension = max((score, place) for place, score in enumerate(item.outlier))
    far = [(s, place) for place, s in enumerate(item.outlier) if _deviations(item, place) > t.OUTLIER_DEVIATIONS]
    if far:
        score, dimension = max(far)
    numbers: dict[str, Any] = {"score": score, "dimension": dimension, "rows": item.rows}
    if not far or score <= t.OUTLIER_SCORE:
        return passed(f"{called(item)}: at most {number(score)} robust standard deviations", **numbers)
    return warned(
        f"{called(item)}: a value of dimension {dimension} lies {number(score)} robust standard deviations out"
        f"{_range(item, dimension)}",
        "look at that sample; filter outliers, or normalize with percentiles",
        item.where,
        **numbers,
    )


def _range(item: TensorStatistics, place: int) -> str:
    if min(len(item.minimum), len(item.maximum)) <= place:
        return ""
    return f" ({number(item.minimum[place])} to {number(item.maximum[place])})"


def _deviations(item: TensorStatistics, place: int) -> float:
    """Distance of the farthest value from the mean, in standard deviations."""
    if min(map(len, (item.mean, item.std, item.minimum, item.maximum))) <= place or not item.std[place] > 0:
        return 0.0
    return max(item.maximum[place] - item.mean[place], item.mean[place] - item.minimum[place]) / item.std[place]


CHECK = Check(
    id="data-outliers",
    title="Outliers",
    step=1,
    seed="If a joint range is [-3.14, 3.14] radians but a few teleoperator slips produced actions of +-50, those"
    " outliers will dominate the MSE gradient and make everything else irrelevant.",
    why="The robust z-score, |x - median| / (1.4826 MAD), is not itself moved by the outliers that it looks for.",
    run=run,
)
