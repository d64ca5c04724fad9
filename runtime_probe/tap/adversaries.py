"""A network that judges what another one makes: what does each of the two want of its answer?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runtime_probe.record import Judged
from runtime_probe.tap.between import maker
from runtime_probe.tap.statistics import answers, tensors

if TYPE_CHECKING:
    from collections.abc import Iterable

    import torch

    from runtime_probe.tap.session import Session

_MOST = 64


class Adversaries:
    """Remembers, for one iteration, who made what, and asks the gradients at the answers to it."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.makers: dict[int, tuple[torch.nn.Module, torch.Tensor]] = {}
        """By address: what models returned, with or without a graph; what is kept keeps its address to itself."""

    def note_made(self, module: torch.nn.Module, output: Any) -> None:
        """An outermost module has returned, with gradients on or off."""
        for _, tensor in tensors(output):
            if tensor.is_floating_point() and tensor.dim() > 1 and len(self.makers) < _MOST:
                self.makers[tensor.data_ptr()] = (module, tensor)

    def note_call(self, module: torch.nn.Module, given: Iterable[tuple[str, torch.Tensor]], output: Any) -> None:
        """An outermost module has returned, with gradients on."""
        named = list(given)
        others = [t for _, t in named if self.makers.get(t.data_ptr(), (module, t))[0] is not module]
        for name, tensor in named:
            if tensor.is_floating_point() and tensor.dim() > 1 and tensor.numel():
                made = tensor.data_ptr() in self.makers
                self._note_argument(f"{type(module).__name__}({name})", tensor, made=made)
        if others:
            record = self.session.record
            kept = record.judged_live if any(t.requires_grad for t in others) else record.judged_copies
            for name, tensor in answers(module, output):
                tensor.register_hook(lambda gradient, name=name: self._note(kept, name, gradient))

    def _note_argument(self, argument: str, tensor: torch.Tensor, *, made: bool) -> None:
        """What does a judge get from another network, and what from the data?"""
        found = next((judged for judged in self.session.record.judged if judged.argument == argument), None)
        if found is None:
            if len(self.session.record.judged) >= _MOST:
                return
            found = Judged(argument)
            self.session.record.judged.append(found)
        if made and tensor.requires_grad:
            found.made_by = maker(tensor.grad_fn)
        elif not made and not tensor.requires_grad:
            low, high = float(tensor.min()), float(tensor.max())
            found.minimum = low if found.minimum is None else min(low, found.minimum)
            found.maximum = high if found.maximum is None else max(high, found.maximum)

    def _note(self, kept: dict[str, float], name: str, gradient: torch.Tensor) -> None:
        if self.session.watching and self.session.course.in_phase:
            with self.session.looking("asking what adversaries want"):
                kept[name] = -float(gradient.double().mean())

    def forget(self) -> None:
        """An iteration is over."""
        self.makers.clear()
