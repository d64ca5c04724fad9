"""Gradient scalers: what scale stands in a loss and in gradients, and which steps were left out."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import torch

from runtime_probe.tap.places import here

if TYPE_CHECKING:
    from runtime_probe.tap.session import Session

_MARK = "_convdiag_scale"


def scale_of(loss: torch.Tensor) -> float:
    """Loss scale that a tensor was multiplied with; 1 without a scaler."""
    return float(getattr(loss, _MARK, 1.0))


def install(session: Session) -> None:
    """Watch scale, unscale_ and step of every gradient scaler."""
    scaler = torch.amp.GradScaler
    scale, unscale, step = scaler.scale, scaler.unscale_, scaler.step

    @functools.wraps(scale)
    def watched_scale(self: Any, outputs: Any) -> Any:
        made = scale(self, outputs)
        session.scalers.add(self)
        if session.active and self.is_enabled():
            for result in made if isinstance(made, (list, tuple)) else [made]:
                setattr(result, _MARK, float(self.get_scale()))
        return made

    @functools.wraps(unscale)
    def watched_unscale(self: Any, optimizer: Any) -> Any:
        made = unscale(self, optimizer)
        if session.active:
            # A scaler that is switched off keeps its place in the timeline.
            session.on_unscale(optimizer, here(2), enabled=self.is_enabled())
        return made

    @functools.wraps(step)
    def watched_step(self: Any, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        if not session.active or not self.is_enabled():
            return step(self, optimizer, *args, **kwargs)
        inner = getattr(optimizer, "optimizer", optimizer)  # accelerate wraps optimizers
        session.scaling = float(self.get_scale())
        before = session.steps_of(inner)
        try:
            made = step(self, optimizer, *args, **kwargs)
        finally:
            session.scaling = None
        if session.active and session.steps_of(inner) == before:
            session.on_skipped(inner, float(self.get_scale()), here(2))
        return made

    for name, watched in (("scale", watched_scale), ("unscale_", watched_unscale), ("step", watched_step)):
        session.patches.replace(scaler, name, watched)
