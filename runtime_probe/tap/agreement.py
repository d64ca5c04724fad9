"""How well what a loss wants of an output fits what may be the targets."""

from __future__ import annotations

import torch

_FEWEST = 8
"""Numbers; fewer point the same way by chance."""
_MOST_ROWS = 512


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
        return _correlated(*(t.double().flatten() for t in (output, wanted, target)), compared=compared)
    if whole and target.dtype != torch.bool:
        for rows in (wanted, wanted.movedim(1, -1) if wanted.dim() > 2 else wanted):
            if rows.dim() > 1 and rows.shape[:-1] == target.shape and rows.shape[-1] > 1:
                return _picked(rows.double().flatten(0, -2), target.flatten().long())
    return None


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
