"""Calls of torch that clip gradients."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import torch
from torch.nn.utils import clip_grad

from runtime_probe.record import ClipRecord
from runtime_probe.tap.gradients import norms, total
from runtime_probe.tap.places import here

if TYPE_CHECKING:
    from runtime_probe.tap.session import Session

_FUNCTIONS = ("clip_grad_norm_", "clip_grad_value_", "clip_grads_with_norm_", "clip_grad_norm")


def install(session: Session) -> None:
    """Watch the functions of torch.nn.utils; frameworks and helpers come down to them."""
    for name in _FUNCTIONS:
        original = getattr(clip_grad, name, None)
        if original is None:
            continue
        watched = _watched(session, name, original)
        session.patches.replace(clip_grad, name, watched)
        if hasattr(torch.nn.utils, name):
            session.patches.replace(torch.nn.utils, name, watched)


def _watched(session: Session, name: str, original: Any) -> Any:
    @functools.wraps(original)
    def clip(parameters: Any, *args: Any, **kwargs: Any) -> Any:
        if not session.active or session.clipping:
            return original(parameters, *args, **kwargs)
        if not isinstance(parameters, torch.Tensor):
            parameters = list(parameters)
        held = [parameters] if isinstance(parameters, torch.Tensor) else parameters
        limit = args[0] if args else kwargs.get("max_norm", kwargs.get("clip_value", float("nan")))
        before = total(norms([p.grad for p in held]))
        session.clipping = True  # clip_grad_norm_ calls clip_grads_with_norm_
        try:
            made = original(parameters, *args, **kwargs)
        finally:
            session.clipping = False
        record = ClipRecord(name, float(limit), before, scaled=False, covers=0.0, where=here(2))
        session.on_clip(record, held)
        return made

    return clip
