"""Draws that give what an experiment wants: uniform ones the ends of their range, normal ones other noise."""

from __future__ import annotations

from typing import Any

import torch
from torch.overrides import TorchFunctionMode

_NORMAL = frozenset(("randn", "randn_like", "normal", "normal_"))
_UNIFORM = frozenset(("rand", "rand_like", "uniform_"))
_LARGEST = 1.0 - 2.0**-24
"""The largest float32 that torch.rand can give."""
_SMALL = 65536


class ForcedEnds(TorchFunctionMode):
    """Draws of torch.rand and uniform_ become the smallest and the largest possible, by turns."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        name = getattr(func, "__name__", "")
        if name in _UNIFORM and isinstance(result, torch.Tensor) and 0 < result.numel() <= _SMALL:
            low, high = 0.0, 1.0
            if name == "uniform_":
                given = [*args[1:3], 0.0, 1.0] if len(args) > 1 else [0.0, 1.0]
                low, high = float(given[0]), float(given[1]) if len(args) > 2 else 1.0
                low, high = (kwargs or {}).get("from", low), (kwargs or {}).get("to", high)
            with torch.no_grad():
                flat = torch.full((result.numel(),), low, dtype=torch.float32)
                flat[1::2] = low + (high - low) * _LARGEST
                result.copy_(flat.reshape(result.shape).to(result.dtype))
        return result


class OtherNoise(TorchFunctionMode):
    """Normal draws change their sign: noise that is as likely, and differs everywhere."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if getattr(func, "__name__", "") in _NORMAL and isinstance(result, torch.Tensor) and not result.requires_grad:
            with torch.no_grad():
                result.neg_()
        return result
