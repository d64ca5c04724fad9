"""Raw numbers at the first layer: thousands, two units side by side, bytes of an image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Check, Outcome, failed, number, passed, skipped, warned
from runtime_probe.checks.features import called, entering, is_image, magnitudes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record, TensorStatistics

_REMEDY = "normalize: subtract each dimension's mean over the training set, divide by its standard deviation"


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Judge what reaches the first layers with weights."""
    items = entering(record)
    if not items:
        yield skipped("no numbers reach a layer with weights (ids of an embedding do not count)")
    for item in items:
        yield _judge(item, family, record)


def _judge(item: TensorStatistics, family: Family, record: Record) -> Outcome:
    sizes = magnitudes(item)
    largest = max(range(len(sizes)), key=sizes.__getitem__)
    size = sizes[largest]
    low, high = min(item.minimum), max(item.maximum)
    numbers: dict[str, Any] = {"magnitude": size, "dimension": largest, "minimum": low, "maximum": high}
    # A time step of a diffusion model is a number up to 1000 by design; it should be embedded, but it trains.
    lenient = family.name in {"diffusion", "flow"} or record.features.time_argument == item.name != ""
    if is_image(item) and item.integral and low >= 0 and high > t.IMAGE_BYTE:
        return failed(
            f"{called(item)} holds bytes of an image, {number(low)} to {number(high)}",
            "divide by 255, or normalize each channel",
            item.where,
            **numbers,
        )
    if size >= t.RAW_MAGNITUDE:
        say = warned if lenient else failed
        mean, std = item.mean[largest], item.std[largest]
        return say(
            f"{called(item)} is not normalized: dimension {largest} has mean {number(mean)}, std {number(std)}",
            _REMEDY,
            item.where,
            **numbers,
        )
    if is_image(item) and size >= t.IMAGE_LEVEL:
        twice = ": they were normalized as if they ended at 1" if low < 0 else ""
        return failed(
            f"{called(item)} holds pictures from {number(low)} to {number(high)}{twice}",
            "divide by 255 first, or use the mean and std of the range that the pictures have",
            item.where,
            **numbers,
        )
    faint = _faint(item)
    if faint and not lenient:
        return warned(f"{called(item)} {faint}", _REMEDY, item.where, **numbers)
    other = min(sizes)
    if size >= t.MIXED_MAGNITUDE and not is_image(item) and len(sizes) > 1:
        mixed = sorted(sizes)[(len(sizes) - 1) // 2] * t.SCALE_RATIO < size or 0 < other * t.SCALE_RATIO < size
        message = (
            f"{called(item)} mixes units: dimension {largest} is about {number(size)},"
            f" dimension {sizes.index(other)} about {number(other)}"
        )
        # Raw observations of an environment mix units as a matter of course, and agents live with it.
        if mixed and not lenient and family.measures_progress:
            return failed(message, _REMEDY, item.where, **numbers)
        return warned(
            f"{called(item)} is not normalized: dimension {largest} is about {number(size)}",
            _REMEDY,
            item.where,
            **numbers,
        )
    plain = family.measures_progress and not lenient and not is_image(item)
    if size >= t.UNSCALED_MAGNITUDE and plain and len(sizes) > 1 and 0 < other * t.UNSCALED_RATIO < size:
        return warned(
            f"{called(item)} is not normalized: dimension {largest} is about {number(size)}, dimension"
            f" {sizes.index(other)} about {number(other)}",
            _REMEDY,
            item.where,
            **numbers,
        )
    return passed(f"{called(item)}: {number(low)} to {number(high)}", **numbers)


def _faint(item: TensorStatistics) -> str:
    """Return how an input is too faint to be seen: far smaller than 1, or all of it at one place."""
    largest, spread = max(abs(min(item.minimum)), abs(max(item.maximum))), max(item.std)
    if item.rows < t.FEW_ROWS or not spread > 0:
        return ""
    if largest < t.FAINT:
        return f"is never larger than {number(largest)}: it was scaled twice, or has another unit"
    pairs = zip(item.mean, item.std, strict=True)
    if all(std == 0 or abs(mean) > t.OFF_CENTRE * std for mean, std in pairs):
        return f"varies by {number(spread)} around {number(item.mean[item.std.index(spread)])}"
    return ""


CHECK = Check(
    id="inputs-not-normalized",
    title="Inputs are normalized",
    step=1,
    seed="Normalize all inputs to approximately zero mean and unit variance before the first layer.",
    why="Inputs of 1000 make the first layer's outputs as large: softmax and sigmoid saturate, gradients explode, and"
    " whatever is measured in smaller numbers is not seen. What counts is what reaches the first layer with weights:"
    " a model may normalize within.",
    run=run,
)
