"""Everything that ten steps change in somebody's objects, kept, and put back."""

from __future__ import annotations

import copy
import inspect
import types
from collections import OrderedDict, defaultdict
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from runtime_probe.tap import randomness

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_CONTAINERS = (dict, OrderedDict, defaultdict, list, set)


class Kept:
    """Modules and an optimizer as they are now: values, gradients, modes, and what they keep beside tensors.

    The gradients and the state of the optimizer are taken out meanwhile, not copied: training starts
    without them, and they come back as the same objects.
    """

    def __init__(self, modules: Sequence[nn.Module], optimizer: torch.optim.Optimizer | None) -> None:
        every = list({id(inner): inner for module in modules for inner in module.modules()}.values())
        held = [p for group in optimizer.param_groups for p in group["params"]] if optimizer is not None else []
        found = [*(t for module in every for t in _own_tensors(module)), *held]
        tensors = list({id(t): t for t in found}.values())
        if any(is_lazy(t) for t in tensors):
            raise ValueError("the model has lazy layers that do not know their shapes yet: call it once before")
        self.values = [(t, t.detach().clone(), t.requires_grad) for t in tensors]
        self.gradients = [(t, t.grad) for t in tensors if t.is_leaf]
        for tensor, _ in self.gradients:
            tensor.grad = None
        self.attributes = [(module, dict(vars(module)), _containers(module)) for module in every]
        self.optimizer = _KeptOptimizer(optimizer) if optimizer is not None else None

    @torch.no_grad()
    def put_back(self) -> None:
        """Let everything be as it was."""
        for module, attributes, containers in self.attributes:
            vars(module).clear()
            vars(module).update(attributes)
            for container, content in containers:
                container.clear()
                (container.extend if isinstance(container, list) else container.update)(content)
        for tensor, value, requires_grad in self.values:
            # What is expanded cannot be written to, so nothing has changed it.
            if not any(size > 1 and not stride for size, stride in zip(tensor.shape, tensor.stride(), strict=True)):
                tensor.data.copy_(value)
            if tensor.is_leaf:
                tensor.requires_grad_(requires_grad)
        for tensor, gradient in self.gradients:
            tensor.grad = gradient
        if self.optimizer is not None:
            self.optimizer.put_back()


class _KeptOptimizer:
    def __init__(self, optimizer: torch.optim.Optimizer) -> None:
        self.optimizer = optimizer
        self.attributes = dict(vars(optimizer))
        self.groups = [dict(group) for group in optimizer.param_groups]
        optimizer.state = defaultdict(
            dict, {p: {k: _copied(v) for k, v in state.items()} for p, state in optimizer.state.items()}
        )
        for group in optimizer.param_groups:
            group.update({k: _copied(v) for k, v in group.items() if k != "params"})

    def put_back(self) -> None:
        vars(self.optimizer).clear()
        vars(self.optimizer).update(self.attributes)
        for group, kept in zip(self.optimizer.param_groups, self.groups, strict=True):
            group.clear()
            group.update(kept)


def reachable(model: nn.Module, loss_fn: Callable[..., Any] | None) -> list[nn.Module]:
    """Return the model, and modules that the loss function is, belongs to or holds (a target network)."""
    found = [value for value in _held_by(loss_fn) if isinstance(value, nn.Module)]
    return list({id(module): module for module in [model, *found]}.values())


def notice_generators(modules: Sequence[nn.Module], loss_fn: Callable[..., Any] | None) -> None:
    """Find generators of torch and numpy that the objects hold: their draws are to be repeated, too."""
    held = [value for module in modules for inner in module.modules() for value in vars(inner).values()]
    for value in [*held, *_held_by(loss_fn)]:
        if isinstance(value, torch._C.Generator) or hasattr(type(value), "bit_generator"):
            randomness.notice(value)


def _held_by(function: Any, depth: int = 0) -> Iterator[Any]:
    """What a callable is, is bound to, has in its closure, its arguments and the globals that it names."""
    if function is None or depth > 3:
        return
    yield function
    owner = getattr(function, "__self__", None)
    if owner is not None and not isinstance(owner, types.ModuleType):
        yield owner
        yield from getattr(owner, "__dict__", {}).values()
    partial = getattr(function, "func", None)
    if callable(partial):
        yield from [*getattr(function, "args", ()), *(getattr(function, "keywords", None) or {}).values()]
        yield from _held_by(partial, depth + 1)
    inner = getattr(function, "__func__", function)
    if inspect.isfunction(inner):
        cells = [cell.cell_contents for cell in inner.__closure__ or () if _filled(cell)]
        named = [inner.__globals__[name] for name in inner.__code__.co_names if name in inner.__globals__]
        for value in [*cells, *named]:
            if inspect.isfunction(value):
                yield from _held_by(value, depth + 1)
            else:
                yield value


def _filled(cell: types.CellType) -> bool:
    try:
        _ = cell.cell_contents
    except ValueError:
        return False
    return True


def _own_tensors(module: nn.Module) -> Iterator[torch.Tensor]:
    """Parameters, buffers, and plain attributes that are tensors."""
    yield from (p for p in module._parameters.values() if p is not None)
    yield from (b for b in module._buffers.values() if b is not None)
    yield from (v for v in vars(module).values() if isinstance(v, torch.Tensor))


def _containers(module: nn.Module) -> list[tuple[Any, Any]]:
    """Lists, dictionaries and sets of a module, parameters and hooks among them, each with its content."""
    return [(value, copy.copy(value)) for value in vars(module).values() if type(value) in _CONTAINERS]


def _copied(value: Any) -> Any:
    return value.clone() if isinstance(value, torch.Tensor) else copy.deepcopy(value)
