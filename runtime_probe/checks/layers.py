"""Gradient norms of the weights, layer by layer; shared by the checks of step 4."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runtime_probe.record import ParameterRecord, Record


@dataclass(frozen=True, slots=True)
class Layer:
    """The weight of a layer."""

    name: str
    position: int
    """Order in the forward pass, -1 if unknown."""
    model: int
    norm: float
    """Largest gradient norm over the ten steps: a head that starts at zero passes nothing on at first."""
    first: float
    """Gradient norm at the first step."""
    table: bool = False
    """An embedding: each row gathers the gradients of all its tokens."""


def weights(record: Record) -> list[Layer]:
    """Return trained weights of two and more dimensions that got a gradient.

    Biases and norms have few elements and small norms by nature; the bias of attention keys has no
    gradient at all, because a softmax does not see a constant.
    """
    return [
        Layer(p.name, p.position, p.model, max(finite), finite[0], p.layer == "Embedding")
        for p in record.parameters
        if len(p.shape) >= 2 and p.requires_grad and p.optimizer is not None
        for finite in [[n for n in p.norms if math.isfinite(n)]]
        if finite and max(finite) > 0
    ]


def trained(record: Record) -> list[ParameterRecord]:
    """Return the parameters that an optimizer is asked to train."""
    return [p for p in record.parameters if p.optimizer is not None and p.requires_grad]
