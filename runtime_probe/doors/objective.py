"""How a loss function is called: with the model and the batch, or with the output and the target."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from runtime_probe.doors import words

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

EITHER, MODEL_BATCH, MODEL_PARTS, OUTPUT_TARGET = (
    "loss_fn(model, batch) or loss_fn(output, target)",
    "loss_fn(model, batch)",
    "loss_fn(model, *batch)",
    "loss_fn(output, target)",
)

_LOSSES = ("loss", "total_loss", "train_loss")


class ObjectiveError(TypeError):
    """A loss function that cannot be called, or that gives no loss; the message says what was tried."""


@dataclass
class Objective:
    """The loss of a batch, as a function of the batch alone."""

    model: nn.Module
    loss_fn: Callable[..., Any]
    form: str
    names: list[str] = field(default_factory=list)
    """Parameters of the loss function that parts of the batch are for (`loss_fn(model, *batch)`)."""

    def __call__(self, batch: Any) -> torch.Tensor:
        """Return the loss of `batch`, a tensor of one element that backward can start from."""
        if self.form == EITHER:
            return self._either(batch)
        if self.form == MODEL_BATCH:
            return loss_of(self.loss_fn(self.model, batch))
        if self.form == MODEL_PARTS:
            args, kwargs = self._parts(batch)
            return loss_of(self.loss_fn(self.model, *args, **kwargs))
        given, target = _pair(batch)
        return loss_of(self.loss_fn(called(self.model, given), target))

    def _either(self, batch: Any) -> torch.Tensor:
        """Find out by calling; a model is neither subtracted nor indexed, and an output is not called."""
        self.form = MODEL_BATCH
        try:
            return self(batch)
        except (TypeError, AttributeError) as error:
            self.form = OUTPUT_TARGET
            try:
                return self(batch)
            except (TypeError, AttributeError):
                self.form = EITHER
                raise error from None

    def _parts(self, batch: Any) -> tuple[list[Any], dict[str, Any]]:
        if isinstance(batch, dict):
            return [], {name: batch[name] for name in self.names if name in batch}
        return list(batch) if isinstance(batch, (list, tuple)) else [batch], {}


def understand(model: nn.Module, loss_fn: Callable[..., Any], batch: Any) -> Objective:
    """Tell from its signature, and where that is silent from the batch, how `loss_fn` wants to be called.

    1. A loss of torch (`nn.MSELoss()`, `functional.cross_entropy`), or a first parameter called `output`, `logits`,
       `prediction` ..., or a second one called `target`, `labels` ...: `loss_fn(output, target)` with the batch
       (input, target). The input may be a tuple or a dictionary, and is unpacked for the model.
    2. More required parameters than two, the first being the model: `loss_fn(model, *batch)`; the parts of a
       dictionary go by name.
    3. Otherwise `loss_fn(model, batch)`; where no name tells and the batch is a pair, what works.

    Raises ObjectiveError for a function that takes neither two arguments nor the model and the parts of the batch.
    """
    if isinstance(loss_fn, nn.modules.loss._Loss) or _of_torch(loss_fn):
        return Objective(model, loss_fn, OUTPUT_TARGET)
    required, most = _positional(loss_fn)
    if most < 2:
        raise ObjectiveError(
            f"the loss function takes {most} argument{'s' * (most != 1)};"
            " it is called with (model, batch) or with (output, target)"
        )
    first = required[0] if required else None
    takes_model = first is not None and _is_model(first)
    if len(required) > 2:
        parts = len(batch) if isinstance(batch, (list, tuple, dict)) else 1
        names = [p.name for p in required[1:]]
        if isinstance(batch, dict) and not set(names) <= batch.keys():
            raise ObjectiveError(f"the loss function wants {', '.join(names)}; the batch has {', '.join(batch)}")
        if not isinstance(batch, dict) and parts < len(names):
            raise ObjectiveError(f"the loss function wants {', '.join(names)}; the batch has {parts} parts")
        return Objective(model, loss_fn, MODEL_PARTS, names)
    named = (first is not None and words.is_output(first.name)) or (
        len(required) > 1 and words.is_target(required[1].name)
    )
    if takes_model or not _is_pair(batch):
        return Objective(model, loss_fn, MODEL_BATCH)
    return Objective(model, loss_fn, OUTPUT_TARGET if named else EITHER)


def loss_of(value: Any) -> torch.Tensor:
    """Return the loss in what a loss function gave: a tensor, (loss, ...), {"loss": ...}, or an object with `.loss`."""
    found = value
    if isinstance(value, dict):
        found = next((value[key] for key in _LOSSES if key in value), None)
    elif not isinstance(value, torch.Tensor) and isinstance(getattr(value, "loss", None), torch.Tensor):
        found = value.loss
    elif isinstance(value, (list, tuple)):
        found = next((item for item in value if isinstance(item, torch.Tensor) and item.numel() == 1), None)
    if not isinstance(found, torch.Tensor):
        raise ObjectiveError(f"the loss function gave no loss but {type(value).__name__}")
    if found.numel() != 1:
        shape = tuple(found.shape)
        raise ObjectiveError(f"the loss has shape {shape}: reduce it to one number, as in loss.mean()")
    return found


def called(model: nn.Module, given: Any) -> Any:
    """Return the output of a model; a tuple or a dictionary of inputs is unpacked."""
    if isinstance(given, dict):
        return model(**given)
    return model(*given) if isinstance(given, (list, tuple)) else model(given)


def _is_pair(batch: Any) -> bool:
    return isinstance(batch, (list, tuple)) and len(batch) >= 2


def _pair(batch: Any) -> tuple[Any, Any]:
    if not _is_pair(batch):
        raise ObjectiveError(f"for loss_fn(output, target) the batch is (input, target), not {type(batch).__name__}")
    return (batch[0], batch[1]) if len(batch) == 2 else (tuple(batch[:-1]), batch[-1])


def _of_torch(loss_fn: Callable[..., Any]) -> bool:
    inner = getattr(loss_fn, "func", loss_fn)  # functools.partial
    return str(getattr(inner, "__module__", "")).startswith("torch.") or (
        isinstance(inner, nn.Module) and type(inner).__module__.startswith("torch.")
    )


def _positional(loss_fn: Callable[..., Any]) -> tuple[list[inspect.Parameter], int]:
    """Parameters without default, and how many can be given by position."""
    inner = loss_fn.forward if isinstance(loss_fn, nn.Module) else loss_fn
    try:
        parameters: Mapping[str, inspect.Parameter] = inspect.signature(inner).parameters
    except (TypeError, ValueError):
        return [], 2
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    places = [p for p in parameters.values() if p.kind in kinds]
    most = 99 if any(p.kind is p.VAR_POSITIONAL for p in parameters.values()) else len(places)
    return [p for p in places if p.default is p.empty], most


def _is_model(parameter: inspect.Parameter) -> bool:
    annotation = parameter.annotation
    if isinstance(annotation, type):
        return issubclass(annotation, nn.Module)
    text = annotation if isinstance(annotation, str) else ""
    return "Module" in text or words.is_model(parameter.name)
