"""Parameters, buffers and optimizer state of a moment, to be put back later."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import nn


class State:
    """Everything that training has changed so far, as far as torch holds it.

    Models are not deep-copied: that fails where one keeps a tensor with a graph.
    """

    def __init__(
        self,
        modules: Sequence[nn.Module],
        parameters: Sequence[torch.Tensor],
        optimizers: Sequence[torch.optim.Optimizer] = (),
        scalers: Sequence[Any] = (),
    ) -> None:
        own = {id(t): t for m in modules for t in [*m.parameters(), *m.buffers()]}
        own.update((id(t), t) for t in parameters)
        self.tensors = [(t, t.detach().clone()) for t in own.values()]
        # Gradients that nobody clears are part of what the next step does.
        self.gradients = [(t, _copied(t.grad)) for t in own.values() if optimizers and t.requires_grad]
        self.scalers = [(scaler, scaler.state_dict()) for scaler in scalers if scaler.is_enabled()]
        self.optimizers = [
            (
                optimizer,
                {p: {k: _copied(v) for k, v in state.items()} for p, state in optimizer.state.items()},
                [{k: copy.copy(v) for k, v in g.items() if k != "params"} for g in optimizer.param_groups],
            )
            for optimizer in optimizers
        ]

    @torch.no_grad()
    def put_back(self) -> None:
        """Give everything the values it had."""
        for tensor, kept in self.tensors:
            # Through .data: a graph that is still to be used must not notice.
            tensor.data.copy_(kept)
        for tensor, gradient in self.gradients:
            tensor.grad = _copied(gradient)
        for scaler, state_dict in self.scalers:
            scaler.load_state_dict(copy.deepcopy(state_dict))
        for optimizer, state, groups in self.optimizers:
            optimizer.state.clear()
            for parameter, values in state.items():
                optimizer.state[parameter] = {k: _copied(v) for k, v in values.items()}
            for group, kept_group in zip(optimizer.param_groups, groups, strict=False):
                group.update(copy.deepcopy(kept_group))

    def is_finite(self) -> bool:
        """Whether the parameters were finite at that moment."""
        return all(bool(torch.isfinite(kept).all()) for _, kept in self.tensors if kept.is_floating_point())


def _copied(value: Any) -> Any:
    return value.clone() if isinstance(value, torch.Tensor) else copy.deepcopy(value)
