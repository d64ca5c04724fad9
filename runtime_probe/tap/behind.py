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


def is_data(func: Any) -> bool:
    """Whether what was called reads or sets `.data`: attributes are read far too often to look at each."""
    return getattr(func, "__self__", None) is _DATA


def note(features: Features, name: str, args: Any, result: Any) -> None:
    """A function of torch has returned, or `.data` was read or set: did the script change what was computed?"""
    first = args[0] if args else None
    if not isinstance(first, torch.Tensor):
        return
    if name == "__get__":
        if first.grad_fn is not None:
            setattr(result, _OF_COMPUTED, True)
        return
    if name == "__set__":
        changed = first.grad_fn is not None
    else:
        in_place = name == "__setitem__" or (name.endswith("_") and not name.endswith("__"))
        changed = in_place and getattr(first, _OF_COMPUTED, False)
    if changed:
        features.changed_behind = features.changed_behind or directly(4)
