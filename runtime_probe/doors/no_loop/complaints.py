"""What a complaint of torch about a shape or a type says of the batch: the batches to try next."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from runtime_probe.doors.no_loop.parts import BOOL, FLOAT, IDS, Part

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Parts = tuple[Part, ...]
    Answer = Callable[[re.Match[str], Parts], Iterator[Parts]]

_IMAGE_SIZES = (32, 28, 64, 84, 96, 128, 224, 16, 48, 256)
_LENGTH = 12


def answers(complaint: str, parts: Parts) -> Iterator[Parts]:
    """Yield changed parts that may satisfy a complaint, the likely first."""
    for pattern, answer in _ANSWERS:
        found = pattern.search(complaint)
        if found is not None:
            yield from answer(found, parts)


def _each(parts: Parts, change: Callable[[Part], Part | None], *, targets_first: bool = False) -> Iterator[Parts]:
    """Change one part after the other."""
    for place in sorted(range(len(parts)), key=lambda place: parts[place].target is not targets_first):
        changed = change(parts[place])
        if changed is not None and changed != parts[place] and all(size > 0 for size in changed.shape):
            yield (*parts[:place], changed, *parts[place + 1 :])


def _matrices(found: re.Match[str], parts: Parts) -> Iterator[Parts]:
    """mat1 and mat2 shapes cannot be multiplied (4x9 and 12x32): a layer wants 12 features and gets 9."""
    rows, given, wanted, _ = map(int, found.groups())
    yield from _width(parts, given, wanted)
    # Joined with others: one of them makes up the difference.
    yield from _each(parts, lambda p: p.shaped(*p.shape[:-1], p.shape[-1] + wanted - given) if p.shape else None)
    # Flattened images: the size of the picture decides.
    yield from _pictures(parts, _IMAGE_SIZES)
    yield from _each(parts, lambda p: p.shaped(wanted) if p.kind == FLOAT and math.prod(p.shape) == given else None)
    if rows == 1:
        yield from _longer(found, parts)  # a batch of sequences is flattened to a batch


def _pictures(parts: Parts, sizes: tuple[int, ...]) -> Iterator[Parts]:
    """Square pictures of other sizes."""
    for size in sizes:
        yield from _each(parts, partial(_picture, size=size))


def _picture(part: Part, size: int) -> Part | None:
    return part.shaped(part.shape[0], size, size) if len(part.shape) == 3 else None


def _width(parts: Parts, given: int, wanted: int) -> Iterator[Parts]:
    """A last dimension that is `given` becomes `wanted`."""
    yield from _each(parts, lambda p: p.shaped(*p.shape[:-1], wanted) if p.shape and p.shape[-1] == given else None)


def _sizes(found: re.Match[str], parts: Parts) -> Iterator[Parts]:
    """Two sizes that should be one: either becomes the other, in the target first."""
    left, right = int(found.group(1)), int(found.group(2))
    yield from _each(parts, lambda p: _swapped(p, left, right), targets_first=True)
    yield from _each(parts, lambda p: _swapped(p, right, left), targets_first=True)
    # Ranks that differ by one show as sizes that do. A one would fit, and be broadcast.
    yield from _each(parts, lambda p: p.shaped(left, *p.shape) if p.shape else None, targets_first=True)
    yield from _each(parts, lambda p: p.shaped(*p.shape[:-1]) if p.shape and p.shape[-1] == 1 else None)
    yield from _each(parts, lambda p: p.shaped(1) if not p.shape else None)


def _swapped(part: Part, old: int, new: int) -> Part | None:
    if old not in part.shape:
        return None
    place = len(part.shape) - 1 - part.shape[::-1].index(old)
    return part.shaped(*part.shape[:place], new, *part.shape[place + 1 :])


def _channels(found: re.Match[str], parts: Parts) -> Iterator[Parts]:
    """A convolution gets another number of channels than it wants."""
    wanted, given = int(found.group(1)), int(found.group(2))
    yield from _each(parts, lambda p: p.shaped(wanted, *p.shape[1:]) if p.shape and p.shape[0] == given else None)
    yield from _each(parts, lambda p: _swapped(p, given, wanted))


def _convolution(found: re.Match[str], parts: Parts) -> Iterator[Parts]:
    """Expected 3D (unbatched) or 4D (batched) input to conv2d, but got input of size: [4, 9]."""
    dimensions = int(found.group(1))
    rest = [32] * dimensions if dimensions > 1 else [64]
    yield from _each(parts, lambda p: replace(p.shaped(3, *rest), kind=FLOAT))


def _longer(found: re.Match[str], parts: Parts) -> Iterator[Parts]:
    """Another dimension, as of time, is missing, or one is too many."""
    yield from _each(parts, lambda p: p.shaped(*p.shape, 1) if not p.shape else None)
    yield from _each(parts, lambda p: p.shaped(_LENGTH, *p.shape) if len(p.shape) < 3 else None)
    yield from _each(parts, lambda p: p.shaped(*p.shape[1:]) if p.shape else None)
    yield from _each(parts, lambda p: p.shaped(3, 32, 32) if p.kind == FLOAT and len(p.shape) < 3 else None)


def _same_rank(found: re.Match[str], parts: Parts) -> Iterator[Parts]:
    """Tensors that are joined differ in their number of dimensions."""
    yield from _each(parts, lambda p: p.shaped(1) if not p.shape else None)
    length = next((p.shape[0] for p in parts if len(p.shape) > 1), _LENGTH)
    yield from _each(parts, lambda p: p.shaped(length, *p.shape) if len(p.shape) == 1 else None)
    yield from _longer(found, parts)


def _ids(found: re.Match[str], parts: Parts) -> Iterator[Parts]:
    """Whole numbers are wanted."""
    first = "target" in found[0]
    yield from _each(parts, lambda p: replace(p, kind=IDS) if p.kind == FLOAT else None, targets_first=first)
    yield from _each(
        parts, lambda p: replace(p, kind=IDS, shape=(_LENGTH,)) if p.kind == FLOAT and len(p.shape) == 1 else None
    )


def _class_ids(found: re.Match[str], parts: Parts) -> Iterator[Parts]:
    """A target of class ids, one for each sample, or for each of its places."""
    yield from _each(parts, lambda p: replace(p, kind=IDS, shape=()), targets_first=True)
    yield from _each(parts, lambda p: replace(p, kind=IDS, shape=p.shape[:-1]) if p.shape else None, targets_first=True)


def _floats(found: re.Match[str], parts: Parts) -> Iterator[Parts]:
    """Fractions are wanted."""
    yield from _each(
        parts, lambda p: replace(p, kind=FLOAT, unit=True) if p.kind != FLOAT else None, targets_first=True
    )


def _out_of_range(found: re.Match[str], parts: Parts) -> Iterator[Parts]:
    """Ids, or a sequence of them, go beyond a table."""
    yield from _each(parts, lambda p: replace(p, high=2) if p.kind == IDS and p.high > 2 else None)
    yield from _each(parts, lambda p: p.shaped(max(2, p.shape[0] // 2), *p.shape[1:]) if p.shape else None)
    yield from _each(parts, lambda p: replace(p, high=1) if p.kind == IDS and p.high > 1 else None)


def _explicit_target(found: re.Match[str], parts: Parts) -> Iterator[Parts]:
    """The target is told which shape it should have."""
    wanted = tuple(int(size) for size in re.findall(r"\d+", found.group(2)))[1:]
    yield from _each(parts, lambda p: p.shaped(*wanted), targets_first=True)


def _reshaped(found: re.Match[str], parts: Parts) -> Iterator[Parts]:
    """A sample has another number of elements than view() or reshape() wants."""
    fixed = [int(size) for size in found.group(1).split(",")][1:]
    if fixed and min(fixed) > 0:
        yield from _each(parts, lambda p: p.shaped(*fixed) if p.kind == FLOAT else None)
        yield from _each(parts, lambda p: p.shaped(math.prod(fixed)) if p.kind == FLOAT else None)
    yield from _pictures(parts, _IMAGE_SIZES)


def _small_picture(found: re.Match[str], parts: Parts) -> Iterator[Parts]:
    """The kernel, or the pooling, wants more pixels."""
    yield from _pictures(parts, (64, 128, 224))
    yield from _each(parts, lambda p: p.shaped(*p.shape[:-1], 2 * p.shape[-1]) if p.shape else None)


def _last(found: re.Match[str], parts: Parts) -> Iterator[Parts]:
    """A layer says which width it wants and which it got."""
    given, wanted = int(found.group("given")), int(found.group("wanted"))
    yield from _width(parts, given, wanted)
    yield from _each(parts, lambda p: _swapped(p, given, wanted))


def _masks(found: re.Match[str], parts: Parts) -> Iterator[Parts]:
    """A mask is wanted."""
    yield from _each(parts, lambda p: replace(p, kind=BOOL) if p.kind != BOOL else None)


_PATTERNS: tuple[tuple[str, Answer], ...] = (
    (r"cannot be multiplied \((\d+)x(\d+) and (\d+)x(\d+)\)", _matrices),
    (r"size of tensor a \((\d+)\) must match the size of tensor b \((\d+)\)", _sizes),
    (r"Expected size (\d+) but got size (\d+)", _sizes),
    (r"to have (\d+) channels, but got (\d+) channels", _channels),
    (r"input to conv(\d)d, but got input of size", _convolution),
    (r"Using a target size \((.*?)\) that is different to the input size \((.*?)\)", _explicit_target),
    (r"Target size \((.*?)\) must be the same as input size \((.*?)\)", _explicit_target),
    (r"Expected input batch_size \((\d+)\) to match target batch_size \((\d+)\)", _class_ids),
    (r"multi-target not supported|0D or 1D target tensor expected", _class_ids),
    (r"expected floating point type for target|not implemented for '(?:Float|Int)'", _class_ids),
    (r"input_size\. Expected (?P<wanted>\d+), got (?P<given>\d+)", _last),
    (r"expecting embedding dimension of (?P<wanted>\d+), but got (?P<given>\d+)", _last),
    (r"normalized_shape=\[(?P<wanted>\d+)\].*input of size\s?\[(?:\d+, )*(?P<given>\d+)\]", _last),
    (r"running_mean should contain (?P<given>\d+) elements not (?P<wanted>\d+)", _last),
    (r"indices.*scalar types?: Long|expected scalar type Long", _ids),
    (r"tensors used as indices|only applicable to index tensor|must be .*(?:long|integer)", _ids),
    (r"must have the same dtype|same dtype, but got|expected scalar type Float", _floats),
    (r"not implemented for '(?:Long|Bool)'|only Tensors of floating point|could not infer output dtype", _floats),
    (r"index out of range|out of bounds", _out_of_range),
    (r"same number of dimensions", _same_rank),
    (r"shape '\[(.*?)\]' is invalid for input of size (\d+)", _reshaped),
    (r"kernel size can't be greater|output size is too small", _small_picture),
    (r"values to unpack|Dimension out of range|Expected input to be \dD|must have \d dimensions", _longer),
    (r"expected \dD|must be a 3D tensor|batched 3D|number of dims don't match|too many indices", _longer),
    (r"mask.*bool", _masks),
)
_ANSWERS = [(re.compile(pattern, re.DOTALL | re.IGNORECASE), answer) for pattern, answer in _PATTERNS]
