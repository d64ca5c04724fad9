"""From a model and a loss to a batch, and a function that gives the loss of it."""

from __future__ import annotations

import inspect
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn import functional

from runtime_probe.doors import objective, words
from runtime_probe.doors.no_loop.parts import IDS, Part, classes, guess, target_like
from runtime_probe.doors.no_loop.plan import DoorError, Plan
from runtime_probe.doors.no_loop.shaping import search
from runtime_probe.tap.statistics import tensors

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from types import ModuleType

    Tensors = dict[str, torch.Tensor]
    LossOf = Callable[[Any], torch.Tensor]

_TARGET_NAMES = ("targets", "target", "labels", "label")


def make(plan: Plan, model: nn.Module, loss: Any, sizes: Mapping[str, Any]) -> tuple[Any, LossOf, list[str]]:
    """Return a batch, its loss as a function of the batch, and what was guessed.

    A made-up batch is a dictionary of the tensors (n, ...) that the loss wants. Raises DoorError where none
    is found.
    """
    if plan.batch:
        batch = torch.load(plan.batch, weights_only=True)
        return batch, _given(model, plan, loss, batch), []
    if loss is None:
        parts, use = _of_forward(plan, model, sizes)
    elif isinstance(loss, str):
        method = getattr(model, loss)
        parts, use = _of_arguments(plan, model, method, _required(method), sizes)
    else:
        names = _required(loss)
        if _takes_output(loss, names):
            parts, use = _of_output(plan, model, loss, names, sizes)
        else:
            parts, use = _of_arguments(plan, model, lambda *given: loss(model, *given), names[1:], sizes)
    batch = {part.name: part.draw(plan.batch_size) for part in parts}
    return batch, use, [f"batch made up: {'; '.join(map(str, parts))}"]


def find_loss(plan: Plan, module: ModuleType, load: Callable[[Path], ModuleType]) -> Any:
    """Return the loss function; the name of a method of the model; None where forward gives the loss.

    Raises DoorError where there is no such thing.
    """
    from pathlib import Path  # noqa: PLC0415 - beside the annotation

    if not plan.loss:
        return None
    if not plan.loss_path:
        found = getattr(functional, plan.loss, None) or getattr(nn, plan.loss, None)
        if found is None:
            raise DoorError(f"torch has no loss {plan.loss!r}: write FILE.py:NAME, or a name such as mse_loss")
        found = found() if isinstance(found, type) else found
        return _over_classes if plan.loss in {"cross_entropy", "CrossEntropyLoss"} else found
    where = load(Path(plan.loss_path))
    owner, _, method = plan.loss.rpartition(".")
    if owner:
        return method
    found = getattr(where, plan.loss, None)
    if found is None:
        raise DoorError(f"{plan.loss_path} has no {plan.loss}")
    return found() if isinstance(found, type) else found


def _over_classes(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Cross-entropy; of (n, t, classes) the classes are the last dimension, as models of sequences give them."""
    if output.dim() == 3 and target.dim() == 2:
        return functional.cross_entropy(output.flatten(0, 1), target.flatten())
    return functional.cross_entropy(output, target)


def _given(model: nn.Module, plan: Plan, loss: Any, batch: Any) -> LossOf:
    if loss is None:
        return lambda given: objective.loss_of(objective.called(model, given))
    if isinstance(loss, str):
        method = getattr(model, loss)
        several = len(_required(method)) > 1 and not plan.layout and isinstance(batch, (list, tuple))
        return lambda given: objective.loss_of(method(*given) if several else _called_method(method, given))
    return objective.understand(model, loss, batch)


def _called_method(method: Callable[..., Any], batch: Any) -> Any:
    # A training_step takes the number of the batch, too.
    return method(batch, 0) if len(_required(method)) == 2 else method(batch)


def _of_arguments(
    plan: Plan, model: nn.Module, function: Callable[..., Any], names: list[str], sizes: Mapping[str, Any]
) -> tuple[tuple[Part, ...], LossOf]:
    """The loss takes the parts of the batch, or the batch as one argument that it takes apart."""
    if plan.loss.endswith("training_step"):
        names = names[:1]
    whole = len(names) == 1 and plan.layout
    if not names:
        raise DoorError(f"{plan.loss} takes no batch")
    wanted = _unique(plan.parts if whole else names)
    parts = tuple(_part(name, plan, model, sizes) for name in wanted)

    def use(batch: Tensors) -> torch.Tensor:
        values = [batch[name] for name in wanted]
        arguments = [_packed(plan.layout, wanted, values)] if whole else values
        if plan.loss.endswith("training_step") and len(_required(function)) == 2:
            arguments.append(0)
        return objective.loss_of(function(*arguments))

    found, _ = search(model, parts, use, plan.loss)
    return found, use


def _of_output(
    plan: Plan, model: nn.Module, loss: Callable[..., Any], names: list[str], sizes: Mapping[str, Any]
) -> tuple[tuple[Part, ...], LossOf]:
    """The loss compares the output with a target: first an input for the model, then the target."""
    inputs, output = _inputs(plan, model, sizes)
    entering = [part.name for part in inputs]
    criterion = plan.loss if not plan.loss_path else next(iter(plan.criteria), "")
    target = target_like(output, criterion, _unique([*entering, names[1] if len(names) > 1 else "target"])[-1])

    def use(batch: Tensors) -> torch.Tensor:
        given = model(*(batch[name] for name in entering))
        return objective.loss_of(loss(given, batch[target.name]))

    found, _ = search(model, (*inputs, target), use, f"{plan.loss} of {plan.model}'s output")
    return found, use


def _of_forward(plan: Plan, model: nn.Module, sizes: Mapping[str, Any]) -> tuple[tuple[Part, ...], LossOf]:
    """The model gives the loss when it is called with its targets, too."""
    inputs, output = _inputs(plan, model, sizes)
    known = inspect.signature(model.forward).parameters
    name = next((name for name in _TARGET_NAMES if name in known), "targets")
    ids = next((part for part in inputs if part.kind == IDS), None)
    target = replace(ids, name=name, target=True) if ids else target_like(output, "cross_entropy", name)
    entering = [part.name for part in inputs]

    def use(batch: Tensors) -> torch.Tensor:
        arguments = {name: batch[name] for name in entering}
        return objective.loss_of(model(**arguments, **{target.name: batch[target.name]}))

    found, _ = search(model, (*inputs, target), use, plan.model)
    return found, use


def _inputs(plan: Plan, model: nn.Module, sizes: Mapping[str, Any]) -> tuple[tuple[Part, ...], torch.Tensor]:
    """Parts that forward accepts, and its output (n, ...)."""
    known = inspect.signature(model.forward).parameters
    names = [n for n in _required(model.forward) if n not in _TARGET_NAMES] or list(known)[:1] or ["input"]
    parts = tuple(guess(name, model, sizes, known[name].annotation if name in known else None) for name in names)

    def use(batch: Tensors) -> torch.Tensor:
        found = [t for _, t in tensors(model(*batch.values())) if t.is_floating_point() and t.dim()]
        if not found:
            raise DoorError("it gives no output of numbers")
        return found[0]

    return search(model, parts, use, plan.model)


def _part(name: str, plan: Plan, model: nn.Module, sizes: Mapping[str, Any]) -> Part:
    part = guess(name, model, sizes)
    if not words.is_target(name):
        return part
    if words.is_classes(name) and words.OF_CLASSES & set(plan.criteria):
        return Part(name, IDS, (), high=classes(model, sizes), target=True)
    return replace(part, target=True, unit=True)


def _packed(layout: str, names: list[str], values: list[torch.Tensor]) -> Any:
    if layout == "dict":
        return dict(zip(names, values, strict=True))
    return SimpleNamespace(**dict(zip(names, values, strict=True))) if layout == "attributes" else tuple(values)


def _takes_output(loss: Callable[..., Any], names: list[str]) -> bool:
    inner = getattr(loss, "func", loss)
    of_torch = str(getattr(inner, "__module__", "")).startswith("torch.")
    if loss is _over_classes or of_torch:
        return True
    telling = words.is_output(names[0]) or (len(names) == 2 and words.is_target(names[1])) if names else False
    return telling and not words.is_model(names[0])


def _required(function: Callable[..., Any]) -> list[str]:
    function = function.forward if isinstance(function, nn.Module) else function
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return ["output", "target"]
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [p.name for p in parameters if p.kind in kinds and p.default is p.empty]


def _unique(names: list[str]) -> list[str]:
    found: list[str] = []
    for name in names:
        found.append(name if name not in found and name != "_" else f"{name}{len(found)}")
    return found
