"""Statistics per feature, in the words of the checks of step 1."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runtime_probe.checks.base import number

if TYPE_CHECKING:
    from runtime_probe.record import Record, TensorStatistics

_LOOKUPS = ("Embedding",)
_NORMALIZING = ("BatchNorm", "LayerNorm", "GroupNorm", "InstanceNorm", "RMSNorm", "SyncBatchNorm")
_IMAGES = ("Conv2d", "Conv3d")
_PICTURES = 4
"""Dimensions of pictures (N, C, H, W)."""


def entering(record: Record) -> list[TensorStatistics]:
    """Return what reached the first layers with weights: a model may normalize within.

    Ids for an embedding are no magnitudes, and a normalization layer brings anything into range.
    """
    return [
        item
        for item in record.statistics
        if item.role == "first layer" and item.mean and not item.layer.startswith(_LOOKUPS + _NORMALIZING)
    ]


def targets(record: Record) -> list[TensorStatistics]:
    """Return the targets of the losses."""
    return [item for item in record.statistics if item.role == "target" and item.mean]


def is_image(item: TensorStatistics) -> bool:
    """Whether it is a picture or a volume: its channels share a unit."""
    return item.layer.startswith(_IMAGES) or len(item.shape) >= 4


def is_map(item: TensorStatistics, record: Record) -> bool:
    """Whether it is (N, H, W), a number for each pixel of the pictures that the model is given."""
    pictures = [other.shape[-2:] for other in record.statistics if len(other.shape) == _PICTURES]
    return len(item.shape) == _PICTURES - 1 and item.shape[-2:] in pictures


def _spreads(item: TensorStatistics) -> list[tuple[int, float]]:
    """Index and std of each feature that varies at all, smallest first."""
    varying = [
        (index, std)
        for index, (std, low, high) in enumerate(zip(item.std, item.minimum, item.maximum, strict=False))
        if math.isfinite(std) and std > 0 and high > low
    ]
    return sorted(varying, key=lambda pair: pair[1])


@dataclass(frozen=True, slots=True)
class Spread:
    """How far apart the standard deviations of a tensor's dimensions are."""

    ratio: float
    largest: float
    contrast: str
    """The dimension that varies least and the one that varies most, for people."""
    range: str
    """The standard deviations, for people."""
    numbers: dict[str, Any]


def spread(item: TensorStatistics) -> Spread | None:
    """Compare the dimensions of a tensor; None where too few values vary."""
    found = _spreads(item)
    if len(found) < 2 or item.rows < 2:
        return None
    (least, low), (most, high) = found[0], found[-1]
    return Spread(
        high / low,
        high,
        f"{called(item)}: dimension {least} has std {number(low)}, dimension {most} has {number(high)}",
        f"{called(item)}: standard deviations {number(low)} to {number(high)}",
        {"ratio": high / low, "smallest": [least, low], "largest": [most, high], "rows": item.rows},
    )


def magnitudes(item: TensorStatistics) -> list[float]:
    """Larger of |mean| and std for each feature; 0 where that is not finite."""
    pairs = zip(item.mean, item.std, strict=False)
    return [max(abs(m), s) if math.isfinite(m) and math.isfinite(s) else 0.0 for m, s in pairs]


def called(item: TensorStatistics) -> str:
    """Name of a tensor for people."""
    shape = "x".join(map(str, item.shape))
    kind = {"first layer": f"input of {item.layer or 'the first layer'}", "target": "target"}.get(item.role, item.role)
    return f"{kind} {item.name} ({shape})".replace("  ", " ") if item.name else f"{kind} ({shape})"
