"""Parameters, buffers and optimizer state of a moment, to be put back later."""

from __future__ import annotations

import copy
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import nn


_LARGE = 100_000
"""Elements of a tensor that is worth a file."""


class State:
    """Everything that training has changed so far, as far as torch holds it.

    Models are not deep-copied: that fails where one keeps a tensor with a graph.
    """

    def __init__(  # noqa: PLR0913 - a moment has many parts
        self,
        modules: Sequence[nn.Module],
        parameters: Sequence[torch.Tensor],
        optimizers: Sequence[torch.optim.Optimizer] = (),
        scalers: Sequence[Any] = (),
        folder: str = "",
        *,
        keep_gradients: bool = True,
    ) -> None:
        """Keep the moment.

        Args:
            modules: Their parameters and buffers are kept,
            parameters: and these,
            optimizers: the state of these, with the gradients that stand there,
            scalers: and that of these.
            keep_gradients: Whether the script lets gradients stand from one step to the next.
            folder: Where large tensors are kept; empty for in memory.
        """
        own = {id(t): t for m in modules for t in [*m.parameters(), *m.buffers()]}
        own.update((id(t), t) for t in parameters)
        self.shelf = _Shelf(folder)
        self.tensors = [(t, self.shelf.keep(t.detach())) for t in own.values()]
        # Gradients that nobody clears are part of what the next step does; others are gone before they count.
        self.gradients = [
            (t, self.shelf.keep(t.grad if keep_gradients else None))
            for t in own.values()
            if optimizers and t.requires_grad
        ]
        self.scalers = [(scaler, scaler.state_dict()) for scaler in scalers if scaler.is_enabled()]
        self.optimizers = [
            (
                optimizer,
                {p: {k: self.shelf.keep(v) for k, v in state.items()} for p, state in optimizer.state.items()},
                [{k: copy.copy(v) for k, v in g.items() if k != "params"} for g in optimizer.param_groups],
            )
            for optimizer in optimizers
        ]

    @torch.no_grad()
    def put_back(self) -> None:
        """Give everything the values it had."""
        for tensor, kept in self.tensors:
            # Through .data: a graph that is still to be used must not notice.
            tensor.data.copy_(kept.get())
        for tensor, gradient in self.gradients:
            tensor.grad = gradient.get()
        for scaler, state_dict in self.scalers:
            scaler.load_state_dict(copy.deepcopy(state_dict))
        for optimizer, state, groups in self.optimizers:
            optimizer.state.clear()
            for parameter, values in state.items():
                optimizer.state[parameter] = {k: v.get() for k, v in values.items()}
            for group, kept_group in zip(optimizer.param_groups, groups, strict=False):
                group.update(copy.deepcopy(kept_group))

    def is_finite(self) -> bool:
        """Whether the parameters were finite at that moment."""
        values = (kept.get() for tensor, kept in self.tensors if tensor.is_floating_point())
        return all(bool(torch.isfinite(value).all()) for value in values)


class _Shelf:
    """Where copies stand: in memory, or large ones in files, so that the peak of the script's memory stays its own."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.count = 0

    def keep(self, value: Any) -> _Kept:
        """Copy a value."""
        large = isinstance(value, torch.Tensor) and value.device.type == "cpu" and value.numel() >= _LARGE
        if not self.folder or not large or value.layout is not torch.strided:
            return _Kept(_copied(value), "")
        self.count += 1
        path = os.path.join(self.folder, f"state-{os.getpid()}-{id(self)}-{self.count}")
        try:
            with open(path, "wb") as file:
                # A view would bring all of its storage along.
                torch.save(value.detach().contiguous().view(-1).view(value.shape), file)
        except (OSError, RuntimeError):  # no room there
            return _Kept(_copied(value), "")
        return _Kept(None, path)


@dataclass(frozen=True, slots=True)
class _Kept:
    value: Any
    path: str

    def get(self) -> Any:
        """Return a copy of the copy."""
        return torch.load(self.path) if self.path else _copied(self.value)


def _copied(value: Any) -> Any:
    return value.clone() if isinstance(value, torch.Tensor) else copy.deepcopy(value)
