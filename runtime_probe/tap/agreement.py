"""How well what a loss wants of an output fits what may be the targets."""

from __future__ import annotations

import math

import torch

_FEWEST = 8
"""Numbers; fewer point the same way by chance."""
_MOST_ROWS = 512
_CLASSES, _IGNORED = 3, -100
_COLUMN = 4
"""Numbers of a column: the probe's batch."""
_EQUAL = 1e-4
"""Range of what is wanted over its size, where it is all the same."""
_POWERS, _MANY = (1.0, -1.0, 2.0, -2.0), 32
"""Of the exponential of an output that is the logarithm of a variance, or of its inverse, and of standard deviations:
these are asked of many numbers only, or one of four fits a few by chance."""
_WEIGHTED = (0.0, 0.5)
"""Powers of the variance that likelihoods are weighted by (0.5: Seitzer et al., arXiv:2203.09168)."""
_FITS, _COUNTERED = 0.99, 0.02
"""Correlation of a gradient with squared errors; its size the other way where the error is none, over its mean."""
_UNEQUAL = 0.2
"""Standard deviation of the lengths of target vectors over their mean."""
_TANGENT = 1e-4
"""Part of a gradient along the vector itself, where a cosine is what a loss is made of."""
_SAME, _OTHERS = 0.5, 0.1
"""Share of places with the same class, or of equal rows; share of classes that occur more or less often."""


def towards(
    output: torch.Tensor, wanted: torch.Tensor, target: torch.Tensor, *, compared: bool = False
) -> float | None:
    """Return how well the wanted change of an output fits a target, from -1 to 1; None where they do not compare.

    Args:
        output: (N, ...) what the model returned.
        wanted: (N, ...) minus the gradient of the loss there.
        target: (N, ...) numbers, or (N), (N, ...) class indices.
        compared: The loss is a distance of the two: what it wants is what is missing.
    """
    whole = not target.is_floating_point()
    if target.squeeze().shape == output.squeeze().shape and not (whole and int(target.unique().numel()) > 2):
        numbers = [t.double().reshape(output.shape) for t in (output, wanted, target)]
        turned = _turned(*numbers) if output.dim() > 1 and bool(wanted.any()) else None
        return turned if turned is not None else _correlated(*(t.flatten() for t in numbers), compared=compared)
    if whole and target.dtype != torch.bool:
        for rows in (wanted, wanted.movedim(1, -1) if wanted.dim() > 2 else wanted):
            if rows.dim() > 1 and rows.shape[:-1] == target.shape and rows.shape[-1] > 1:
                return _picked(rows.double().flatten(0, -2), target.flatten().long())
    return None


def only_turned(output: torch.Tensor, wanted: torch.Tensor, target: torch.Tensor) -> bool:
    """Return whether a loss leaves alone how long vectors (N, ..., D) are, and those of the target differ in that."""
    if target.squeeze().shape != output.squeeze().shape or not target.is_floating_point() or output.dim() < 2:
        return False
    numbers = [t.double().reshape(output.shape) for t in (output, wanted, target)]
    lengths = numbers[2].norm(dim=-1)
    unequal = float(lengths.std()) > _UNEQUAL * float(lengths.mean())
    return unequal and bool(wanted.any()) and _turned(*numbers) is not None


def _turned(output: torch.Tensor, wanted: torch.Tensor, target: torch.Tensor) -> float | None:
    """Return how well a loss that leaves lengths alone turns vectors (N, ..., D) to their targets; None if it does not.

    A cosine wants what is missing at a right angle to the vector itself, and the less, the longer that is.
    """
    length = output.norm(dim=-1, keepdim=True)
    unit = output / length
    along = (wanted * unit).sum(dim=-1)
    if output.shape[-1] < 2 or not along.abs().max() <= _TANGENT * wanted.norm(dim=-1).max():
        return None
    missing = target - (target * unit).sum(dim=-1, keepdim=True) * unit
    return float(torch.cosine_similarity((wanted * length).flatten(), missing.flatten(), dim=0))


def _correlated(output: torch.Tensor, wanted: torch.Tensor, target: torch.Tensor, *, compared: bool) -> float | None:
    """Return the larger of two correlations: with what is missing, and with the target itself."""
    counted = wanted != 0  # the rest is masked
    output, wanted, target = output[counted], wanted[counted], target[counted]
    if len(wanted) < _FEWEST or not bool(torch.isfinite(target).all()):
        return None
    missing, around = target - output, target - target.mean()
    if not around.any() or not missing.any():
        return None
    others = (missing,) if compared else (missing, around)
    return max(float(torch.cosine_similarity(wanted, other, dim=0)) for other in others)


def misassigned(wanted: torch.Tensor, targets: list[torch.Tensor]) -> bool:
    """Return whether a loss compares outputs with the right classes at the wrong places.

    What an output wants to be most is the class that it was compared with. All classes of the target may occur, as
    often as they should, and at other places: logits were flattened in another order than targets. Rows as a whole may
    be sorted, and targets of a language model are one position on.

    Args:
        wanted: (N, T, C) or (N, C, T) minus the gradient of the loss at the output.
        targets: (N, T) class indices, each of which may be what was meant.
    """
    found = False
    for target in targets:
        for rows in (wanted, wanted.movedim(1, -1)):
            if rows.shape[:-1] != target.shape or rows.shape[-1] < _CLASSES or int(target.max()) >= rows.shape[-1]:
                continue
            assigned = rows.argmax(dim=-1).masked_fill(~rows.any(dim=-1), _IGNORED)
            if _alike(assigned, target):
                return False
            found |= _of_the_same_classes(assigned, target, rows.shape[-1])
    return found


def _alike(assigned: torch.Tensor, target: torch.Tensor) -> bool:
    """Whether (N, T) classes are much the same where they count, or one position on, or the same rows reordered."""
    for a, b in ((assigned[:, 1:], target[:, :-1]), (assigned[:, :-1], target[:, 1:]), (assigned, target)):
        counted = a >= 0
        if bool(counted.any()) and float((a == b)[counted].float().mean()) > _SAME:
            return True
    rows = {tuple(row) for row in target.flatten(1).tolist()}
    return sum(tuple(row) in rows for row in assigned.flatten(1).tolist()) > _SAME * len(assigned)


def _of_the_same_classes(assigned: torch.Tensor, target: torch.Tensor, classes: int) -> bool:
    """Whether all classes of a target occur as often among what counts, but for one that a loss may ignore."""
    counted = assigned >= 0
    left, right = (labels[labels >= 0].flatten().bincount(minlength=classes) for labels in (assigned, target))
    ignored = (left == 0) & (right > 0)
    if int(ignored.sum()) <= 1:
        right = right.masked_fill(ignored, 0)
    others = float((left - right).abs().sum()) / max(1, int(counted.sum()))
    return int((left > 0).sum()) >= _CLASSES and others < _OTHERS


def cancelling(output: torch.Tensor, wanted: torch.Tensor, target: torch.Tensor) -> bool:
    """Return whether a loss wants the same of all samples, those above their targets and those below.

    It has added up the errors before it made them positive, so that they cancel.

    Args:
        output: (N, ...) what the model returned.
        wanted: (N, ...) minus the gradient of the loss there.
        target: (N, ...) numbers.
    """
    by_samples = _columns(output, target, wanted)
    return any(_all_the_same(rows) for rows in (by_samples, _transposed(by_samples)))


def _transposed(columns: list[tuple[torch.Tensor, ...]]) -> list[tuple[torch.Tensor, ...]]:
    """Return what is missing and what is wanted of each sample, over its columns; empty where they differ in length."""
    if len(columns) < _COLUMN or len({len(part) for part, *_ in columns}) != 1:
        return []
    parts = [torch.stack(part, dim=1) for part in zip(*columns, strict=True)]
    return [(missing, wish) for missing, wish in zip(*parts, strict=True) if wish.any()]


def _all_the_same(found: list[tuple[torch.Tensor, ...]]) -> bool:
    """Whether what is wanted does not depend on what is missing, where that has both signs."""
    wishes = [wish for missing, wish in found if missing.min() < 0 < missing.max()]
    return bool(wishes) and all(float(w.max() - w.min()) < _EQUAL * float(w.abs().mean()) for w in wishes)


def boundless(output: torch.Tensor, target: torch.Tensor, spread: torch.Tensor, gradient: torch.Tensor) -> bool:
    """Return whether a loss drives the second of two outputs one way, by as much as the first is wrong.

    A likelihood makes the logarithm of a variance grow where the error is larger than it says, and shrink where it is
    smaller. With a wrong sign, or without the term of the variance itself, it goes the same way at any error.

    Args:
        output: (N, ...) the prediction.
        target: (N, ...) numbers.
        spread: (N, ...) what may be the logarithm of the variance, or of its inverse.
        gradient: (N, ...) of the loss at the spread.
    """
    columns = _columns(output, target, gradient, spread)
    return bool(columns) and all(_one_way(*column) for column in columns)


def _one_way(missing: torch.Tensor, rate: torch.Tensor, spread: torch.Tensor) -> bool:
    powers = _POWERS if len(missing) >= _MANY else _POWERS[:2]
    for power in powers:
        sign, error = math.copysign(1.0, power), missing.square() * (power * spread).exp()
        for weighted in _WEIGHTED:
            push = rate * (-weighted * spread).exp()
            fit = float(torch.corrcoef(torch.stack([error, push]))[0, 1])
            if sign * fit > _FITS:
                without_error = float(push.mean() - fit * push.std() / error.std() * error.mean())
                return sign * without_error > -_COUNTERED * float(push.abs().mean())
    return False


def _columns(
    output: torch.Tensor, target: torch.Tensor, gradient: torch.Tensor, *others: torch.Tensor
) -> list[tuple[torch.Tensor, ...]]:
    """Return, for each column that gets gradients, what is missing there, the gradients, and what others hold."""
    if not target.is_floating_point() or target.squeeze().shape != output.squeeze().shape:
        return []
    wide = output.shape[-1] if output.dim() > 1 else 1
    missing = target.reshape(output.shape) - output
    found = []
    for column in zip(*(t.double().reshape(-1, wide).T for t in (missing, gradient, *others)), strict=True):
        counted = column[1] != 0  # the rest is masked
        if int(counted.sum()) >= _COLUMN and bool(column[0][counted].isfinite().all()):
            found.append(tuple(part[counted] for part in column))
    return found if sum(len(column[0]) for column in found) >= _FEWEST else []


def together(output: torch.Tensor, wanted: torch.Tensor, labels: torch.Tensor) -> float | None:
    """Return 1 where rows (N, D) of one label come closer than others, -1 where they part and others come closer.

    Losses without labels drive all samples apart: 0.
    """
    if len(output) > _MOST_ROWS:
        return None
    apart = output[:, None] - output[None]
    change = (apart * (wanted[:, None] - wanted[None])).sum(-1)
    same = labels[:, None] == labels[None]
    own = torch.eye(len(output), dtype=torch.bool, device=output.device)
    if not bool((same & ~own).any()) or bool(same.all()):
        return None
    among, between = float(change[same & ~own].mean()), float(change[~same].mean())
    if among < between:
        return 1.0
    return -1.0 if among > 0 and between < 0 else 0.0


def _picked(wanted: torch.Tensor, target: torch.Tensor) -> float | None:
    """Return the mean over rows: 1 for one that wants most to reach its class, -1 for one that wants to leave it.

    One that is pulled to or from another class most, as where targets are shifted within the model, counts 0.
    """
    kept = target >= 0  # the rest is ignored
    if int(kept.sum()) < 2 or int(target.max()) >= wanted.shape[1]:
        return None
    rows, classes = wanted[kept], target[kept]
    size = rows.abs().amax(dim=1)
    at = rows.gather(1, classes[:, None])[:, 0]
    others = rows.sum(dim=1) - at
    # A penalty on large logits pulls the likeliest class down, and no other one up.
    telling = (at.abs() >= size) & (size > 0) & (at * others < 0)
    sign = torch.where(telling, at.sign(), torch.zeros_like(at))
    return float(sign.mean())
