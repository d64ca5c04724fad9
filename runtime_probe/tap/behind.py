"""Values that a script changes through `.data` after they were computed: what comes back is the gradient of the old."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from runtime_probe.tap.places import directly

if TYPE_CHECKING:
    from runtime_probe.record import Features

_DATA = torch.Tensor.data  # the descriptor, not what it returns
_OF_COMPUTED = "_convdiag_of_computed"
"""Tag of the `.data` of a tensor that is part of a graph."""


def note(features: Features, func: Any, name: str, args: Any, result: Any) -> None:
    """A function of torch has returned, an attribute was read or set: did the script change what was computed?"""
    first = args[0] if args else None
    if not isinstance(first, torch.Tensor):
        return
    if name in ("__get__", "__set__"):
        if getattr(func, "__self__", None) is not _DATA or first.grad_fn is None:
            return
        if name == "__get__":
            setattr(result, _OF_COMPUTED, True)
        else:
            features.changed_behind = features.changed_behind or directly(4)
    elif getattr(first, _OF_COMPUTED, False) and (name == "__setitem__" or (name[-1:] == "_" and name[-2:] != "__")):
        features.changed_behind = features.changed_behind or directly(4)
