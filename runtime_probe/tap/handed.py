"""Classes and keypoints that are each other's mirror image by their names: does a flip exchange them?

A bracket for the left hand that is flipped is one for the right hand; a sign that says "turn left" says "turn right".
Where a class has such a twin, the flips of the standard recipe make half of its samples samples of the other one.
"""

from __future__ import annotations

import ast
import re
import time
from typing import TYPE_CHECKING, Any

import torch
from torch.utils.data import IterableDataset, Subset

from runtime_probe.record import Augmentation
from runtime_probe.tap import places, sources
from runtime_probe.tap.augmentations import TURNS, turned_and_moved, views
from runtime_probe.tap.loaders import items, length, samples, spread_out
from runtime_probe.tap.randomness import untouched
from runtime_probe.tap.statistics import tensors

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch.utils.data import DataLoader

    from runtime_probe.record import Record

_ROUND = (("clockwise", "counterclockwise"), ("cw", "ccw"))
_WORDS = {
    "flipped left to right": (("left", "right"), ("l", "r"), *_ROUND),
    "flipped upside down": (("upper", "lower"), ("top", "bottom"), ("up", "down"), ("upward", "downward"), *_ROUND),
}
"""What a flip makes of what it says."""
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[^A-Za-z]+")
_ATTRIBUTES = ("classes", "class_names", "label_names", "class_to_idx")
_MOST_NAMES = 1000
_READ, _CHOSEN, _DRAWS, _SECONDS = 512, 8, 6, 1.0
"""Samples whose class is asked, those of classes with a twin that are read again, and how often; for each of both."""
_PICTURES, _MAPS, _POINTS = 4, 3, 2
"""Dimensions of pictures (N, C, H, W), and of the maps (K, H, W) and points (K, D) of one sample."""
_MOVED = 1e-3
"""By which maps, and keypoints in widths of all of them, may differ from their mirror image."""


def collections(paths: Iterable[str], data: Any) -> list[dict[str, int]]:
    """Return the names that a script, or a data set, has for its classes, each with its number: wherever two are twins.

    Args:
        paths: Files of the script.
        data: The data set; one of torchvision knows its classes.
    """
    while isinstance(data, Subset):
        data = data.dataset
    known = [named for name in _ATTRIBUTES if (named := _numbered(getattr(data, name, None)))]
    for _, tree in sources.trees(paths):
        known += [named for node in ast.walk(tree) if (named := _written(node))]
    distinct = [names for place, names in enumerate(known) if names not in known[:place]]
    return [names for names in distinct if any(_twins(names, turn) for turn in _WORDS)]


def _numbered(value: Any) -> dict[str, int]:
    """Names by number: of a list, or of a table of numbers."""
    if isinstance(value, dict):
        pairs = list(value.items())
    elif isinstance(value, (list, tuple)):
        pairs = [(name, number) for number, name in enumerate(value)]
    else:
        return {}
    named = len(pairs) <= _MOST_NAMES and all(isinstance(k, str) and isinstance(v, int) for k, v in pairs)
    return dict(pairs) if named else {}


def _written(node: ast.AST) -> dict[str, int]:
    """Names by number, as the source has them: `KINDS = ["bracket_left", "bracket_right"]`."""
    if not isinstance(node, (ast.List, ast.Tuple, ast.Dict)):
        return {}
    try:
        return _numbered(ast.literal_eval(node))
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return {}


def _twins(names: dict[str, int], turn: str) -> dict[int, int]:
    """Return the number of the mirror image of each class that is not its own."""
    found = {}
    for words in _WORDS.get(turn, ()):
        other = {words[0]: words[1], words[1]: words[0]}
        for name, number in names.items():
            parts = _WORD.findall(name)
            mirrored = "".join(other.get(part.lower(), part).lower() for part in parts)
            twin = next((n for n in names if n.lower() == mirrored and n != name), None)
            if twin is not None:
                found[number] = names[twin]
    return found


def look(loader: DataLoader[Any], inputs: Iterable[str], targets: Iterable[str], record: Record) -> list[Augmentation]:
    """Read samples that have something with a twin again and again: where they come back flipped, is it exchanged?"""
    data: Any = loader.dataset
    if isinstance(data, IterableDataset) or loader.collate_fn is None or length(data) <= 0:
        return []
    named, classes = collections(places.files(), data), {call.classes for call in record.loss_calls}
    found: list[Augmentation] = []
    with untouched():
        first = _read(loader, [0]) if named else {}
        pictures = [name for name in sorted(inputs) if views(first.get(name)) and first[name].dim() == _PICTURES]
        for target in sorted(targets) if pictures else []:
            for names in named:
                chosen = _chosen(loader, first.get(target), target, names, len(names) in classes)
                found += _compare(loader, chosen, (pictures[0], target), names)
    return found


def _read(loader: DataLoader[Any], chosen: list[int]) -> dict[str, torch.Tensor]:
    """Return the parts of samples, collated."""
    read = loader.collate_fn(items(loader.dataset, chosen)) if loader.collate_fn is not None else None
    return {name: part.detach().cpu() for name, part in tensors(read)}


def _chosen(
    loader: DataLoader[Any], one: torch.Tensor | None, target: str, names: dict[str, int], of_classes: bool
) -> list[int]:
    """Return places of samples that are to be read again: of a class with a twin, or any that show all keypoints."""
    if one is not None and one.dim() > 2 and one.shape[1] == len(names) and one.is_floating_point():
        return spread_out(loader.dataset, _CHOSEN)
    if one is None or one.dim() != 1 or one.is_floating_point() or not of_classes:
        return []
    spread = spread_out(loader.dataset, _READ)
    # Not in their order: it may be that only some are read.
    order = torch.randperm(len(spread), generator=torch.Generator().manual_seed(0)).tolist()
    found = samples(loader.dataset, [spread[number] for number in order], time.monotonic() + _SECONDS)
    labels = dict(tensors(loader.collate_fn(found))).get(target) if found and loader.collate_fn is not None else None
    twins = {number for turn in _WORDS for number in _twins(names, turn)}
    labelled = zip(order, labels.tolist() if labels is not None else [], strict=False)
    return [spread[number] for number, label in labelled if label in twins][:_CHOSEN]


def _compare(
    loader: DataLoader[Any], chosen: list[int], parts: tuple[str, str], names: dict[str, int]
) -> list[Augmentation]:
    """Draw samples several times, and compare each draw with the first one."""
    found: dict[str, Augmentation] = {}
    until = time.monotonic() + _SECONDS
    draws = [_read(loader, chosen)] if chosen else []
    while draws and len(draws) < _DRAWS and time.monotonic() < until:
        draws.append(_read(loader, chosen))
        for one, other in zip(*(views(draw[parts[0]]) for draw in (draws[0], draws[-1])), strict=True):
            for row in range(len(one) if one.shape == other.shape else 0):
                turn = turned_and_moved(one[row], other[row])
                a, b = (draw[parts[1]][row] for draw in (draws[0], draws[-1]))
                for pair in _twins(names, turn).items():
                    stays = _stays(a, b, turn, pair)
                    if stays is not None:
                        called = " and ".join(f"`{name}`" for name, number in names.items() if number in pair)
                        entry = found.setdefault(turn, Augmentation(*parts, turn, spatial=False, handed=called))
                        entry.pairs += 1
                        entry.unmoved += stays
    return list(found.values())


def _stays(a: torch.Tensor, b: torch.Tensor, turn: str, pair: tuple[int, int]) -> bool | None:
    """Whether a class, map (H, W) or point of a flipped sample has kept its number; None where that cannot be said."""
    number, twin = pair
    if a.dim() == 0:
        return int(b) == number if int(a) == number else None
    if a.shape != b.shape or max(pair) >= len(a):
        return None
    if a.dim() == _MAPS:
        kept, exchanged = (torch.allclose(TURNS[turn](a[n]), b[number], atol=_MOVED) for n in (number, twin))
    else:
        axis = 1 if turn == "flipped upside down" else 0
        if a.dim() != _POINTS or a.shape[1] <= axis or not bool(a[list(pair)].any(dim=-1).all()):
            return None
        # Flipped, both are mirrored at one line: half of the sum of before and after is its place.
        before, after = (points[list(pair), axis] for points in (a, b))
        size = _MOVED * float(a[:, axis].max() - a[:, axis].min())
        kept, exchanged = (float((before + after.roll(by)).diff().abs()) < size for by in (0, 1))
    return kept if kept != exchanged else None
