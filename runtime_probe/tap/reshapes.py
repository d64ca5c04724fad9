"""view() and reshape() that exchange dimensions, where permute() or transpose() was meant.

Both only cut the same numbers anew. One whose sizes come out in another order has the shape that was wanted, and rows
that are put together from pieces.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING, Any

import torch

from runtime_probe.tap.places import directly

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runtime_probe.record import Where

_IMAGES, _COLOURS, _FINER, _SMOOTHER = 4, 3, 16, 0.85
"""Dimensions of (N, C, H, W), channels, fewest pixels of a side, and roughness when cut anew over that as it is.
Measured on pictures: 0.65 and less for what was reshaped, 1.0 to 1.6 in healthy programs, 1 for noise. Maps of two or
four channels, the parts of a spectrogram and the layers of a maze, are no smoother in any order."""


@dataclass(slots=True)
class _Line:
    """A line that views or reshapes."""

    where: Where
    shapes: set[tuple[int, ...]] = field(default_factory=set)
    """Before the call."""
    always: bool = True
    """All calls exchange dimensions."""
    first: bool = False
    """The first dimension, of the batch as a rule, takes part."""


class Reshapes:
    """Lines that exchange dimensions at each call that was seen."""

    def __init__(self) -> None:
        self.lines: dict[str, _Line] = {}

    def note(self, args: Sequence[Any], result: Any) -> None:
        """A tensor, the first argument, was viewed or reshaped."""
        where = directly(4)
        if where is None or not args or not isinstance(result, torch.Tensor) or not result.numel():
            return
        before, after = args[0].shape, result.shape
        found = exchanged(before, after)
        line = self.lines.setdefault(str(where), _Line(where))
        line.shapes.add(tuple(before))
        line.always = line.always and found is not None
        line.first = line.first or bool(found)

    def found(self) -> list[Where]:
        """Return the lines. The size of a batch may be that of another dimension by chance, but not two sizes."""
        return [line.where for line in self.lines.values() if line.always and (len(line.shapes) > 1 or not line.first)]


def exchanged(before: Sequence[int], after: Sequence[int]) -> bool | None:
    """Return None where no dimensions change places, else whether the first one takes part.

    Both hold the same number of elements, more than 0. Dimensions may be merged or split on the way: (C, H, W) to
    (H * W, C) exchanges, and (T, H * D) to (H, T, D) does.
    """
    if _enlarged(before, after) or _enlarged(after, before):
        return False
    start = 0
    for old, new in _segments(before, after):
        if len(old) > 1 and len(new) > 1:
            wholes, parts = sorted((new, old), key=len)
            if _fits(parts, wholes):
                return start == 0
        start += len(old)
    return None


def _enlarged(before: Sequence[int], after: Sequence[int]) -> bool:
    """Whether (N, C * r * r, H, W) becomes (N, C, r * H, r * W): neighbours are then what stood in one row."""
    if len(before) != _IMAGES or len(after) != _IMAGES or before[0] != after[0]:
        return False
    (many, *sides), (few, *larger) = before[1:], after[1:]
    factor = larger[0] // sides[0]
    square = many == few * factor**2 and larger == [factor * side for side in sides]
    return factor > 1 and min(sides) > 1 and square


def _segments(before: Sequence[int], after: Sequence[int]) -> list[tuple[list[int], list[int]]]:
    """Cut both shapes where as many numbers stand in front: what is between two cuts stays between them."""
    made: list[tuple[list[int], list[int]]] = [([], [])]
    old, new = [n for n in before if n != 1], [n for n in after if n != 1]
    while old or new:
        segment = made[-1]
        if prod(segment[0]) <= prod(segment[1]) and old:
            segment[0].append(old.pop(0))
        elif new:
            segment[1].append(new.pop(0))
        else:
            segment[0].append(old.pop(0))
        if prod(segment[0]) == prod(segment[1]):
            made.append(([], []))
    return made


def _fits(parts: list[int], wholes: list[int]) -> bool:
    """Return whether the parts can be dealt out so that those of each whole have its product."""
    if not parts:
        return all(whole == 1 for whole in wholes)
    first, rest = parts[0], parts[1:]
    for place, whole in enumerate(wholes):
        if whole % first == 0 and _fits(rest, [*wholes[:place], whole // first, *wholes[place + 1 :]]):
            return True
    return False


def interleaved(images: torch.Tensor) -> bool:
    """Return whether (N, 3, H, W) images hold their colours side by side: (H, W, C) that was reshaped, not permuted.

    Cut anew as (H, W, C) they are then smoother than as they are: what is right is next to what is like it.
    """
    if images.dim() != _IMAGES or not images.is_floating_point():
        return False
    count, colours, height, width = images.shape
    if colours != _COLOURS or min(height, width) < _FINER:
        return False
    anew = images.reshape(count, height, width, colours).movedim(-1, 1)
    return _roughness(anew) < _SMOOTHER * _roughness(images)


def _roughness(images: torch.Tensor) -> float:
    """Mean difference of neighbours, down and to the right."""
    return sum(float(images.diff(dim=dim).abs().mean()) for dim in (-1, -2))
