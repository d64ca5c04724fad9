"""What is known of models and their parameters over the baseline."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from runtime_probe.record import ModelRecord, ParameterRecord
from runtime_probe.tap import gradients, models

if TYPE_CHECKING:
    from runtime_probe.tap.session import Session
    from runtime_probe.tap.tracked import Tracked

_SCALED = frozenset(
    "Linear NonDynamicallyQuantizableLinear Conv1D Conv1d Conv2d Conv3d ConvTranspose1d ConvTranspose2d ConvTranspose3d"
    " LSTM GRU RNN LSTMCell GRUCell RNNCell".split()
)
"""Layers that multiply their inputs by their weights; an embedding is looked up."""
_SAME = 1e-6
"""Of the largest weight: rounding within the rows of a matrix product."""


class Ledger:
    """Every model whose parameters an optimizer holds, and every parameter, with what happened to it."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.roots: list[models.Model] = []
        self.parameters: dict[int, ParameterRecord] = {}
        """By the id of the tensor."""
        self.tensors: dict[int, torch.Tensor] = {}

    def begin(self) -> None:
        """Find the models, and list their parameters."""
        session = self.session
        for tracked in session.tracked:
            for module in models.find(tracked.parameters, session.modules):
                root = next((r for r in self.roots if r.module is module), None)
                if root is None:
                    root = models.Model(module)
                    self.roots.append(root)
                root.optimizers.add(tracked.index)
        for root in self.roots:
            root.note_mode()
        self._list_parameters()

    def _list_parameters(self) -> None:
        session = self.session
        held = {id(p): t.index for t in session.tracked for p in t.parameters}
        for number, root in enumerate(self.roots):
            owners = {
                id(p): module for module in root.module.modules() for p in module._parameters.values() if p is not None
            }
            for name, parameter in root.module.named_parameters():
                if id(parameter) in self.parameters:
                    continue
                owner = owners.get(id(parameter))
                self.tensors[id(parameter)] = parameter
                self.parameters[id(parameter)] = ParameterRecord(
                    name if len(self.roots) == 1 else f"{root.name}.{name}",
                    list(parameter.shape),
                    str(parameter.dtype).removeprefix("torch."),
                    number,
                    held.get(id(parameter)),
                    parameter.requires_grad,
                    layer=type(owner).__name__,
                    position=session.calls.order.get(id(owner), -1),
                )
        self._list_strays()
        for tracked in session.tracked:
            for place, parameter in enumerate(tracked.parameters):
                if id(parameter) not in self.parameters:
                    self.tensors[id(parameter)] = parameter
                    self.parameters[id(parameter)] = ParameterRecord(
                        f"parameter {place}",
                        list(parameter.shape),
                        str(parameter.dtype).removeprefix("torch."),
                        -1,
                        tracked.index,
                        parameter.requires_grad,
                    )

    def _list_strays(self) -> None:
        """Parameters of modules that run and that no optimizer's model knows of.

        They are modules in a plain list, which parameters() does not see, or those of another model: the one
        in use, where the optimizer holds a copy.
        """
        calls = self.session.calls
        for module in calls.kept:
            caller = calls.callers[id(module)]
            number = next((n for n, root in enumerate(self.roots) if root.module is caller), -1)
            for name, parameter in module._parameters.items():
                if parameter is None or not parameter.requires_grad or id(parameter) in self.parameters:
                    continue
                self.tensors[id(parameter)] = parameter
                self.parameters[id(parameter)] = ParameterRecord(
                    f"{type(caller).__name__}: {type(module).__name__}.{name}",
                    list(parameter.shape),
                    str(parameter.dtype).removeprefix("torch."),
                    number,
                    None,
                    parameter.requires_grad,
                    layer=type(module).__name__,
                    position=calls.order.get(id(module), -1),
                )

    def name_of(self, parameter: torch.Tensor) -> str:
        """Return the dotted name of a parameter."""
        known = self.parameters.get(id(parameter))
        if known is not None:
            return known.name
        for module in models.find([parameter], self.session.modules):
            for name, candidate in module.named_parameters():
                if candidate is parameter:
                    return name
        return ""

    def note_gradients(self, tracked: Tracked, norms: list[float]) -> None:
        """Keep the gradient norms of one step, and those of parameters that no optimizer holds."""
        for parameter, norm in zip(tracked.parameters, norms, strict=True):
            known = self.parameters.get(id(parameter))
            if known is not None:
                known.norms.append(norm)
                known.gradients += norm != 0.0
        if tracked is self.session.course.anchor:
            orphans = [(key, t) for key, t in self.tensors.items() if self.parameters[key].optimizer is None]
            sizes = gradients.norms([t.grad for _, t in orphans])
            for (key, _), norm in zip(orphans, sizes, strict=True):
                self.parameters[key].norms.append(norm)
                self.parameters[key].gradients += norm != 0.0

    def note_change(self, tracked: Tracked, change: list[torch.Tensor], sizes: list[float]) -> None:
        """Keep how much each parameter moved in one step."""
        for parameter, delta, size in zip(tracked.parameters, change, sizes, strict=True):
            known = self.parameters.get(id(parameter))
            if known is not None:
                known.change += size
                if known.moved < 1.0 and delta.numel():
                    known.moved = max(known.moved, int(torch.count_nonzero(delta)) / delta.numel())

    def describe(self) -> None:
        """Write models and parameters into the record."""
        record = self.session.record
        record.models = [
            ModelRecord(
                root.name,
                sum(p.numel() for p in root.module.parameters()),
                sum(p.numel() for p in root.module.parameters() if p.requires_grad),
                sorted(root.optimizers),
                root.training,
                root.where(),
                root.coupled(),
                root.idle,
                root.dropouts(),
                root.norm_momenta(),
                root.repeated(),
            )
            for root in self.roots
        ]
        for tracked, optimizer in zip(self.session.tracked, record.optimizers, strict=True):
            others = [other.ids for other in self.session.tracked if other is not tracked]
            shared = sum(any(key in ids for ids in others) for key in tracked.ids)
            optimizer.duplicates = len(tracked.parameters) - len(tracked.ids) + shared
        keys = list(self.parameters)
        for key, norm in zip(keys, gradients.norms([self.tensors[k].detach() for k in keys]), strict=True):
            self.parameters[key].norm = norm
            self.parameters[key].alike = _alike(self.tensors[key])
        for tracked in self.session.tracked:
            for parameter, norm in zip(tracked.parameters, tracked.initial, strict=False):
                known = self.parameters.get(id(parameter))
                if known is not None and known.layer in _SCALED and len(known.shape) > 1:
                    known.gain = norm / math.sqrt(_units(known.layer, known.shape))
        record.parameters = list(self.parameters.values())


def _units(layer: str, shape: list[int]) -> int:
    """Outputs of a layer. The weights of transposed convolutions, and of transformers' Conv1D, are (in, out, ...)."""
    return shape[1] if layer == "Conv1D" or layer.startswith("ConvTranspose") else shape[0]


@torch.no_grad()
def _alike(parameter: torch.Tensor) -> bool:
    """Whether all units of a layer have the same weights."""
    if parameter.dim() < 2 or len(parameter) < 2 or not parameter.is_floating_point() or parameter.is_sparse:
        return False
    spread = (parameter - parameter[:1]).abs().max()
    return bool(spread <= _SAME * parameter.abs().max())
