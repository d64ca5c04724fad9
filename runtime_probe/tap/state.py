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
    ) -> None:
        own = {id(t): t for m in modules for t in [*m.parameters(), *m.buffers()]}
        own.update((id(t), t) for t in parameters)
        self.tensors = [(t, t.detach().clone()) for t in own.values()]
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
        for optimizer, state, groups in self.optimizers:
            optimizer.state.clear()
            for parameter, values in state.items():
                optimizer.state[parameter] = {k: _copied(v) for k, v in values.items()}
            for group, kept_group in zip(optimizer.param_groups, groups, strict=False):
                group.update(copy.deepcopy(kept_group))


def _copied(value: Any) -> Any:
    return value.clone() if isinstance(value, torch.Tensor) else copy.deepcopy(value)
