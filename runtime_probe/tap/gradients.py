"""Norms of many tensors at once, and the change that a step makes."""

from __future__ import annotations

import math
from math import isfinite, isnan
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence


@torch.no_grad()
def norms(tensors: Sequence[torch.Tensor | None]) -> list[float]:
    """Norm of each tensor; 0 for None. One transfer from the device for all of them."""
    present = [(place, dense(tensor)) for place, tensor in enumerate(tensors) if tensor is not None and tensor.numel()]
    values = [0.0] * len(tensors)
    for device in {tensor.device for _, tensor in present}:
        here = [(place, tensor) for place, tensor in present if tensor.device == device]
        # Half precision overflows when it is squared and summed.
        found = torch._foreach_norm([t.float() if t.dtype in (torch.float16, torch.bfloat16) else t for _, t in here])
        for (place, _), value in zip(here, torch.stack([n.double() for n in found]).tolist(), strict=True):
            values[place] = value
    return values


def dense(tensor: torch.Tensor) -> torch.Tensor:
    """Values of a tensor that may be sparse or sharded."""
    if tensor.is_sparse:
        tensor = tensor.coalesce().values()
    local = getattr(tensor, "to_local", None)  # DTensor
    return local() if callable(local) else tensor


def total(values: Sequence[float]) -> float:
    """Norm of the whole from the norms of the parts."""
    return math.sqrt(sum(value * value for value in values)) if all(map(isfinite, values)) else _worst(values)


def _worst(values: Sequence[float]) -> float:
    return math.nan if any(isnan(value) for value in values) else math.inf


class Before:
    """A copy of parameters, and the change since. Holds memory for one copy."""

    def __init__(self, parameters: Sequence[torch.Tensor]) -> None:
        self.parameters = list(parameters)
        self.copies = [torch.empty_like(p, requires_grad=False) for p in self.parameters]

    @torch.no_grad()
    def keep(self) -> None:
        """Copy the parameters as they are now."""
        torch._foreach_copy_(self.copies, [p.detach() for p in self.parameters])

    @torch.no_grad()
    def put_back(self) -> None:
        """Give the parameters the values that were kept."""
        torch._foreach_copy_([p.data for p in self.parameters], self.copies)

    @torch.no_grad()
    def turn_into_change(self) -> list[torch.Tensor]:
        """Return new minus old for each parameter, in the memory of the copy, which is gone then."""
        torch._foreach_neg_(self.copies)
        torch._foreach_add_(self.copies, [p.detach() for p in self.parameters])
        return self.copies


@torch.no_grad()
def dots(gradients: Sequence[torch.Tensor | None], changes: Sequence[torch.Tensor]) -> list[float]:
    """Inner product of each gradient with the change of its parameter; 0 without gradient."""
    values: list[float] = [0.0] * len(changes)
    found = []
    for place, (gradient, change) in enumerate(zip(gradients, changes, strict=True)):
        if gradient is None or not change.numel():
            continue
        if gradient.is_sparse:
            gradient = gradient.to_dense()  # noqa: PLW2901 - the same gradient
        a, b = dense(gradient).flatten(), dense(change).flatten()
        if a.dtype in (torch.float16, torch.bfloat16) or a.dtype != b.dtype:
            a, b = a.float(), b.float()
        found.append((place, torch.dot(a, b).double().cpu()))
    if found:
        for (place, _), value in zip(found, torch.stack([v for _, v in found]).tolist(), strict=True):
            values[place] = value
    return values
