"""What the model received: calls of modules, seen from outside and at the first layers."""

from __future__ import annotations

import inspect
import sys
import threading
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn.modules import module as hooks

from runtime_probe.tap import environments
from runtime_probe.tap.acting import Acting
from runtime_probe.tap.between import Between
from runtime_probe.tap.distributions import SAMPLED
from runtime_probe.tap.evaluated import Evaluated
from runtime_probe.tap.padding import top_share
from runtime_probe.tap.places import here
from runtime_probe.tap.recurrent import CELLS, Recurrent
from runtime_probe.tap.reshapes import interleaved
from runtime_probe.tap.statistics import describe, most_frequent, tensors

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime_probe.record import Where
    from runtime_probe.tap.session import Session

LABELS = frozenset(("labels", "label", "targets", "target", "y"))
_MASKS = ("mask", "position")
"""Parts of names of inputs that say how to read the others; without them a model may have nothing to attend to."""
_LENGTH = "length"
_SEQUENCE = 3
"""Dimensions of what a convolution over time is given: (N, C, T)."""
_MOST_STATISTICS = 64
_FEW_POSITIONS = 8


class Call:
    """The last call of a module from outside, while training."""

    def __init__(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.module, self.args, self.kwargs = module, args, kwargs

    def names(self) -> list[str]:
        """Names of the positional parameters of the module."""
        try:
            return [p.name for p in inspect.signature(self.module.forward).parameters.values()]
        except (TypeError, ValueError):
            return []

    def named(self) -> list[tuple[str, torch.Tensor]]:
        """Tensors that went in, with the names of their arguments."""
        names = self.names()
        found: list[tuple[str, torch.Tensor]] = []
        for place, value in enumerate(self.args):
            found += tensors(value, names[place] if place < len(names) else f"[{place}]")
        for name, value in self.kwargs.items():
            found += tensors(value, name)
        return found


class Calls:
    """Calls of modules in the main phases of a session."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.local = threading.local()
        self.order: dict[int, int] = {}
        self.callers: dict[int, nn.Module] = {}
        """The outermost module that was running when a module was first called."""
        self.kept: list[nn.Module] = []
        """Modules whose id is a key of `order`."""
        self.outer: dict[int, Call] = {}
        self.sizes: dict[int, list[tuple[int, ...]]] = {}
        """Shapes of the inputs of each outermost module at the first call, with the script's own batch."""
        self.seen: set[tuple[int, str]] = set()
        self.joined: set[str] = set()
        """Lines that put raw numbers beside features, and their place there."""
        self.change: Callable[[Call], tuple[Any, Any]] | None = None
        """What a phase makes of the inputs of a model that is called from outside."""
        self.between = Between(session.record)
        self.recurrent = Recurrent(session.record.features)
        self.acting = Acting()
        self.evaluated = Evaluated()
        self.looked = False
        self.handles: list[Any] = []

    def install(self) -> None:
        """Watch every module."""
        self.handles = [
            hooks.register_module_forward_pre_hook(self._before),
            hooks.register_module_forward_hook(self._after, always_call=True),
        ]

    def narrow(self) -> None:
        """Watch only the modules that were called from outside: for the baseline and what follows."""
        for handle in self.handles:
            handle.remove()
        for call in list(self.outer.values()):
            self.handles.append(call.module.register_forward_pre_hook(self._outer_before, with_kwargs=True))

    def remove(self) -> None:
        """Watch nothing any more."""
        for handle in self.handles:
            handle.remove()

    @property
    def _stack(self) -> list[nn.Module]:
        stack: list[nn.Module] | None = getattr(self.local, "stack", None)
        if stack is None:
            stack = self.local.stack = []
        return stack

    def current(self) -> str:
        """Class of the innermost module that is running; empty outside of all."""
        stack = self._stack
        return "/".join(type(module).__name__ for module in stack[-3:])

    @property
    def outside(self) -> bool:
        """Whether no module is running but a loss."""
        return all(isinstance(module, nn.modules.loss._Loss) for module in self._stack)

    def _before(self, module: nn.Module, args: Any) -> None:
        if not self.session.active:
            return
        stack = self._stack
        if not self.order and not self.looked:
            self.looked = True
            environments.find(self.session, at_hand=False)
        stack.append(module)
        if isinstance(module, nn.modules.loss._Loss) or torch.jit.is_tracing():
            return
        with self.session.looking("comparing observations"):
            self._compare_acting(args)
        if self.evaluated.wants(module, outer=len(stack) == 1):
            with self.session.looking("looking at what a model is asked"):
                self.evaluated.before(module, Call(module, args, _keywords(2)).named(), trains=torch.is_grad_enabled())
        if not torch.is_grad_enabled():
            return
        with self.session.looking("looking at a call"):
            self._note(module, args, outer=len(stack) == 1)

    def _note(self, module: nn.Module, args: Any, *, outer: bool) -> None:
        if id(module) not in self.order:
            self.order[id(module)] = len(self.order)
            self.kept.append(module)
            self.callers[id(module)] = self._stack[0]
        if args:
            self.between.into(module, args[0], self._stack[0])
            features = self.session.record.features
            features.sampled_into = features.sampled_into or getattr(args[0], SAMPLED, None)
        if isinstance(module, CELLS):
            around = self.outer.get(id(self._stack[0])) if not outer else None
            shapes = [t.shape for _, t in around.named()] if around is not None else None
            self.recurrent.before(module, args, _keywords(3), shapes)
        if outer:
            self.session.on_forward()
            call = Call(module, args, _keywords(3))
            if id(module) not in self.sizes:
                self.sizes[id(module)] = [tuple(t.shape) for _, t in call.named()]
            self.outer[id(module)] = call
            self._statistics("model input", call)
        elif isinstance(module, (nn.Linear, nn.modules.conv._ConvNd, nn.Embedding, nn.RNNBase)) and args:
            self._first_layer(module, args[0])
        if outer and not any(True for _ in module.children()) and args:
            self._first_layer(module, args[0])

    def _compare_acting(self, args: Any) -> None:
        """Within an agent that is no call itself its networks are asked, each with the same observations."""
        rewards = self.session.record.rewards
        known = environments.are_known(self.session)
        if not known or len(self._stack) > 1 or not args or not isinstance(args[0], torch.Tensor):
            return
        if torch.is_grad_enabled():
            rewards.next_stored = rewards.next_stored or (rewards.count > 0 and self.acting.one_late(args[0]))
        else:
            self.acting.note(args[0])

    def _first_layer(self, module: nn.Module, value: Any) -> None:
        """No parameter stands before it: what it sees is the data as the script prepared it."""
        key = (id(module), "first layer")
        if not isinstance(value, torch.Tensor) or value.requires_grad or key in self.seen:
            return
        if not hasattr(module, "weight") and not isinstance(module, nn.RNNBase):
            return
        self.seen.add(key)
        statistics = self.session.record.statistics
        if len(statistics) < _MOST_STATISTICS:
            # One observation of an environment is a row, not a column; channels of a sequence stand before its length.
            rows = value[None] if value.dim() == 1 and isinstance(module, nn.Linear) else value
            rows = rows.movedim(1, -1) if rows.dim() == _SEQUENCE and isinstance(module, nn.Conv1d) else rows
            described = describe("first layer", str(len(self.seen)), rows)
            described.layer = type(module).__name__
            described.top_share = top_share(value) if isinstance(module, nn.Embedding) else 0.0
            if isinstance(module, nn.Conv2d):
                described.interleaved, described.one_pixel = interleaved(value), most_frequent(value)
            statistics.append(described)
        if isinstance(module, nn.Embedding):
            self.session.record.features.token_input = True

    def note_joined(self, joined: Any, where: Where) -> None:
        """Tensors were concatenated: raw numbers beside features reach a layer that is not the first one."""
        if not isinstance(joined, (list, tuple)) or not self._stack:
            return
        rows = [x for x in joined if isinstance(x, torch.Tensor) and x.is_floating_point() and x.dim() > 1]
        if not any(x.requires_grad for x in rows):
            return
        for number, tensor in enumerate(rows):
            key = f"{where}, {number}"
            if not tensor.requires_grad and tensor.numel() > 1 and key not in self.joined:
                self.joined.add(key)
                if len(self.session.record.statistics) < _MOST_STATISTICS:
                    described = describe("first layer", "beside features", tensor)
                    described.layer, described.where = "cat", where
                    self.session.record.statistics.append(described)

    def _statistics(self, role: str, call: Call) -> None:
        statistics = self.session.record.statistics
        for name, tensor in call.named():
            key = (id(call.module), name)
            if key not in self.seen and len(statistics) < _MOST_STATISTICS:
                self.seen.add(key)
                label = f"{type(call.module).__name__}({name})"
                statistics.append(describe(role, label, tensor))

    def _after(self, module: nn.Module, args: Any, output: Any) -> None:
        stack = self._stack
        if self.session.active and output is not None and not torch.jit.is_tracing():
            with self.session.looking("looking at an output"):
                self._note_output(module, args, output, outer=len(stack) == 1)
        if stack and stack[-1] is module:
            stack.pop()
        elif module in stack:
            del stack[stack.index(module) :]

    def _note_output(self, module: nn.Module, args: Any, output: Any, *, outer: bool) -> None:
        if torch.is_grad_enabled():
            self.between.out_of(module, output, outer=outer)
            if outer and id(module) in self.outer:
                given = self.outer[id(module)].named()
                self.session.parts.note_call(module, given, output)
                self.session.mirrored.note_call(given)
                self.session.pull.note_call(module, output)
                self.session.adversaries.note_call(module, given, output)
            if isinstance(module, CELLS):
                self.recurrent.after(module, output)
            if type(module) is nn.Embedding and args:
                self._note_position(module, args[0])
                self.session.padding.note_embedding(args[0], output, module.padding_idx)
        if outer:
            self.session.losses.backups.note_call(module, args, output)
        self.evaluated.after(module, (tensor for _, tensor in tensors(output)))
        if outer:
            self.session.adversaries.note_made(module, output)

    def _note_position(self, table: nn.Embedding, positions: Any) -> None:
        """Positions (T) or (1, T), for which a table of as many rows is made, are not all the same.

        One number for each sample of a batch is a class, or a time.
        """
        features = self.session.record.features
        if not isinstance(positions, torch.Tensor) or not positions.dim() or features.same_position is not None:
            return
        sizes = {len(tensor) for call in self.outer.values() for _, tensor in call.named() if tensor.dim()}
        steps = positions.shape[-1]
        row = positions.numel() == steps and (positions.dim() > 1 or steps not in sizes)
        if row and _FEW_POSITIONS <= steps <= table.num_embeddings and not bool(positions.diff().any()):
            features.same_position = here(4)

    def _outer_before(self, module: nn.Module, args: Any, kwargs: Any) -> Any:
        if not self.session.active or not torch.is_grad_enabled():
            return None
        if self.session.inside_outer:
            return None
        self.session.on_forward()
        self.outer[id(module)] = Call(module, args, dict(kwargs))
        if self.change is not None:
            return self.change(Call(module, args, dict(kwargs)))
        return None


def _keywords(depth: int) -> dict[str, Any]:
    """Keywords of the call that is under way: global hooks are not given them, HF models get nothing else."""
    frame = sys._getframe(depth)
    found = frame.f_locals.get("kwargs")
    return dict(found) if isinstance(found, dict) else {}


def mapped(call: Call, change: Callable[[str, torch.Tensor], torch.Tensor]) -> tuple[Any, Any]:
    """Arguments and keywords of a call with each tensor changed, which is told by its name as in `Call.named`."""

    def inner(value: Any, name: str) -> Any:
        if isinstance(value, torch.Tensor):
            return change(name, value)
        if isinstance(value, dict):
            made = value.copy()
            made.update((k, inner(v, f"{name}.{k}" if name else str(k))) for k, v in value.items())
            return made
        if type(value) in (list, tuple):
            return type(value)(inner(v, f"{name}[{i}]") for i, v in enumerate(value))
        return value

    names = call.names()
    args = tuple(inner(v, names[i] if i < len(names) else f"[{i}]") for i, v in enumerate(call.args))
    return args, {name: inner(value, name) for name, value in call.kwargs.items()}


def zeroed(call: Call) -> tuple[Any, Any]:
    """Arguments and keywords of a call with tensors set to zero; targets, masks, positions and counts stay.

    What is passed by position is what the model is asked about, whatever it is called; lengths are not.
    """
    args, _ = mapped(call, lambda name, value: value if _stays(name, value, keyed="." in name) else _zero(value))
    _, kwargs = mapped(call, lambda name, value: value if _stays(name, value, keyed=True) else _zero(value))
    return args, kwargs


def _stays(name: str, value: torch.Tensor, *, keyed: bool) -> bool:
    key = name.rpartition(".")[2]
    if keyed and (key in LABELS or any(part in key for part in _MASKS)):
        return True
    return _LENGTH in key and not value.is_floating_point()


def _zero(value: torch.Tensor) -> torch.Tensor:
    if value.dim() == 0 or value.dtype == torch.bool:
        return value  # a count, a mask
    # A gradient penalty differentiates by the input: the graph has to stay.
    return value * 0 if value.requires_grad else torch.zeros_like(value)
