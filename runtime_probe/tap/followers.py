"""What follows the weights: averages of them, and target networks.

Their rate shows as long as they stand where the weights stood.
"""

from __future__ import annotations

import gc
import re
from typing import TYPE_CHECKING, Any

import torch

from runtime_probe.tap.rewards import at_hand

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

AVERAGES = re.compile(r"(^|_)(ema|averaged?|avg|shadow|polyak)(_|$)", re.IGNORECASE)
"""What scripts call averages of weights."""
_MOST_ELEMENTS, _FEWEST_ELEMENTS = 1_000_000, 16
_BESIDE = 0.05
"""Of an update, and half of the way itself: what has moved no further beside it follows the weights."""


class Followers:
    """Watches the largest matrix of an optimizer over its first updates."""

    def __init__(self, parameters: Sequence[torch.Tensor]) -> None:
        fits = [
            p
            for p in parameters
            if p.dim() > 1
            and _FEWEST_ELEMENTS <= p.numel() <= _MOST_ELEMENTS
            and p.is_floating_point()
            and not p.is_sparse
        ]
        self.parameter = max(fits, key=lambda p: p.numel(), default=None)
        self.start: torch.Tensor | None = None
        """The matrix before the last update."""
        self.first: torch.Tensor | None = None
        """And before the first one that was seen."""

    def still(self) -> str:
        """Name what is called an average of the weights, and is where they were before the first update."""
        if self.parameter is None or self.first is None or torch.equal(self.parameter.detach(), self.first):
            return ""
        for name, value in named():
            if AVERAGES.search(name):
                held = [t for t in _held(value) if t.shape == self.first.shape and t.device == self.first.device]
                if any(t is not self.parameter and torch.equal(t.detach(), self.first) for t in held):
                    return name
        return ""

    def found(self) -> list[float]:
        """Return the share of the last update that others have taken over; to be asked before each update.

        An average that begins as a copy made after the first update is found after the second.
        """
        if self.parameter is None:
            return []
        now = self.parameter.detach()
        start, self.start = self.start, now.clone()
        self.first = self.start if self.first is None else self.first
        if start is None or not start.any():
            return []
        change = (now - start).double()
        length = float(change.square().sum())
        rates: list[float] = []
        # isinstance asks an object for its __class__, which wakes lazy objects; type() does not.
        for tensor in [item for item in gc.get_objects() if issubclass(type(item), torch.Tensor)]:
            alike = tensor.shape == start.shape and tensor.device == start.device and tensor.is_floating_point()
            if not length or not alike or tensor.is_sparse:
                continue
            moved = tensor.detach().double() - start.double()
            rate = float((moved * change).sum()) / length
            beside = float((moved - rate * change).square().sum())
            along = beside < _BESIDE**2 * length and beside < 0.25 * float(moved.square().sum())
            # What stands still was kept, and what went along at once is a copy.
            if along and 0.0 < rate < 1.0 - _BESIDE**2 and rate not in rates:
                rates.append(rate)
        return rates


def named() -> Iterator[tuple[str, Any]]:
    """Variables of the functions that are running, and what modules hold."""
    yield from at_hand()
    for module in [item for item in gc.get_objects() if issubclass(type(item), torch.nn.Module)]:
        yield from module.named_children()
        yield from vars(module).items()


def _held(value: Any) -> list[torch.Tensor]:
    """Tensors of a module, of a dictionary or list of them, or of an object that has one of these."""
    if isinstance(value, torch.nn.Module):
        return list(value.parameters())
    if isinstance(value, dict):
        return [item for item in value.values() if isinstance(item, torch.Tensor)]
    if isinstance(value, (list, tuple)):
        return [item for item in value if isinstance(item, torch.Tensor)]
    inner = vars(value).values() if hasattr(value, "__dict__") else ()
    return [t for item in inner if isinstance(item, (torch.nn.Module, dict, list, tuple)) for t in _held(item)]
