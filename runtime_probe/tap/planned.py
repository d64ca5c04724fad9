"""How many updates a script means to make, and what its trainer leaves out, where it says so."""

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
_LIGHTNING = ("lightning", "pytorch_lightning")
_USUAL = {
    "overfit_batches": ("0.0", "0", "None"),
    "limit_train_batches": ("1.0", "None"),
    "fast_dev_run": ("False", "0", "None"),
}
"""Settings of a trainer; 1 batch is not 1.0 of them."""
_MOST_FRAMES = 60


def steps() -> int | None:
    """Return the number of updates, from the framework's own count or by the names that scripts give it."""
    found = _of_framework()
    if found is not None:
        return found
    for scope in _scopes():
        for name in _STEPS:
            value = scope.get(name)
            if name == "num_steps" and "num_envs" in scope:
                continue  # of each environment, between two rounds of updates
            if isinstance(value, int) and not isinstance(value, bool) and value > 1:
                return value
    epochs = next((s[n] for s in _scopes() for n in _EPOCHS if isinstance(s.get(n), int) and s[n] > 0), None)
    values = [value for frame in places.user_frames(2) for value in frame.f_locals.values()]
    largest = max((length(value) for value in values if isinstance(value, DataLoader)), default=0)
    return epochs * largest if epochs and largest > 0 else None


def limits() -> list[str]:
    """Return the settings of Lightning's trainer that leave training data out, as they are written."""
    for holder, _ in _holders():
        if _is_lightning(holder):
            values = {name: getattr(holder, name, None) for name in _USUAL}
            return [f"{name}={value}" for name, value in values.items() if str(value) not in _USUAL[name]]
    return []


def _of_framework() -> int | None:
    """The trainers of Hugging Face and Lightning count their steps before they begin."""
    for holder, scope in _holders():
        if any(base.__module__.startswith("transformers.") for base in type(holder).__mro__):
            for value in (getattr(getattr(holder, "state", None), "max_steps", None), scope.get("max_steps")):
                if isinstance(value, int) and value > 1:
                    return value
        elif _is_lightning(holder):
            return _of_lightning(holder)
    return None


def _holders() -> Iterator[tuple[Any, dict[str, Any]]]:
    """Objects whose methods are running, innermost first, with the variables of the method."""
    frame: Any = sys._getframe(2)
    for _ in range(_MOST_FRAMES):
        if frame is None:
            return
        yield frame.f_locals.get("self"), frame.f_locals
        frame = frame.f_back


def _is_lightning(holder: Any) -> bool:
    kinds = type(holder).__mro__
    return any(kind.__name__ == "Trainer" and kind.__module__.partition(".")[0] in _LIGHTNING for kind in kinds)


def _of_lightning(trainer: Any) -> int | None:
    """Lightning's limits are -1 where there is none, and inf for a stream."""
    steps, epochs, batches = trainer.max_steps, trainer.max_epochs, trainer.num_training_batches
    by_epochs = epochs * batches // max(trainer.accumulate_grad_batches, 1) if epochs and epochs > 0 else 0
    known = [n for n in (steps, by_epochs) if isinstance(n, int) and n > 1]
    return min(known, default=None)


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
