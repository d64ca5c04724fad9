"""A model that is asked by the probe: in eval mode, with the same draws each time, and left as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import torch

from runtime_probe.tap.randomness import untouched
from runtime_probe.tap.statistics import tensors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from runtime_probe.tap.calls import Call
    from runtime_probe.tap.session import Session

_MOST_MODELS = 4
_T = TypeVar("_T")


def of_each_model(session: Session, doing: str, ask: Callable[[Call], Iterable[_T]]) -> list[_T]:
    """Return what is found out about the models that were called from outside, of the first few."""
    found: list[_T] = []
    for call in list(session.calls.outer.values())[:_MOST_MODELS]:
        with session.looking(f"{doing} {type(call.module).__name__}"):
            found += ask(call)
    return found


def asked(call: Call, args: Any, kwargs: Any, *, gradients: bool = False) -> list[torch.Tensor]:
    """Return all that the model of a call answers to these arguments, single numbers and whole numbers left out."""
    was = [(m, m.training) for m in call.module.modules()]
    call.module.eval()
    try:
        # cuDNN has no backward pass of recurrent layers in eval mode.
        plain = torch.backends.cudnn.flags(enabled=torch.backends.cudnn.enabled and not gradients)
        with untouched(), plain, torch.set_grad_enabled(gradients):
            output = call.module(*args, **kwargs)
    finally:
        for module, training in was:
            module.training = training
    return [t for _, t in tensors(output) if t.is_floating_point() and t.dim()]
