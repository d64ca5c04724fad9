"""How many updates a script means to make, where it says so."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from torch.utils.data import DataLoader

from runtime_probe.tap import places
from runtime_probe.tap.loaders import length

if TYPE_CHECKING:
    from collections.abc import Iterator

_STEPS = (
    "max_steps", "total_steps", "num_steps", "max_iters", "num_iters", "num_iterations", "training_steps",
    "num_training_steps", "max_train_steps", "train_steps",
)  # fmt: skip
_EPOCHS = ("epochs", "num_epochs", "max_epochs", "n_epochs", "num_train_epochs")
_HOLDERS = ("args", "cfg", "config", "hparams", "opt", "opts", "self")
_MOST_FRAMES = 40


def steps() -> int | None:
    """Return the number of updates, from the framework's own count or by the names that scripts give it."""
    found = _of_framework()
    if found is not None:
        return found
    for scope in _scopes():
        for name in _STEPS:
            value = scope.get(name)
            if isinstance(value, int) and not isinstance(value, bool) and value > 1:
                return value
    epochs = next((s[n] for s in _scopes() for n in _EPOCHS if isinstance(s.get(n), int) and s[n] > 0), None)
    values = [value for frame in places.user_frames(2) for value in frame.f_locals.values()]
    largest = max((length(value) for value in values if isinstance(value, DataLoader)), default=0)
    return epochs * largest if epochs and largest > 0 else None


def _of_framework() -> int | None:
    """Hugging Face's trainer counts its steps before it begins."""
    frame: Any = sys._getframe(1)
    for _ in range(_MOST_FRAMES):
        if frame is None:
            return None
        holder = frame.f_locals.get("self")
        if type(holder).__module__.startswith("transformers."):
            for value in (getattr(getattr(holder, "state", None), "max_steps", None), frame.f_locals.get("max_steps")):
                if isinstance(value, int) and value > 1:
                    return value
        frame = frame.f_back
    return None


def _scopes() -> Iterator[dict[str, Any]]:
    for frame in places.user_frames(2):
        for scope in (frame.f_locals, frame.f_globals):
            yield scope
            for holder in _HOLDERS:
                value = scope.get(holder)
                if isinstance(value, dict):
                    yield value
                elif hasattr(value, "__dict__"):
                    yield vars(value)
