"""Recurrent layers: along which dimension they run, and whether their state carries gradients from call to call."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from runtime_probe.record import WrongAxis
from runtime_probe.tap.places import here
from runtime_probe.tap.statistics import tensors

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from runtime_probe.record import Features, Where

CELLS = (nn.RNNBase, nn.RNNCellBase)
_SEQUENCES, _SHORTEST, _MOST_ELEMENTS = 3, 4, 4_000_000
"""Dimensions of (T, N, D), fewest steps and samples that can be told apart, and numbers that are looked at."""
_UNRELATED, _RELATED = 0.9, 0.6
"""Difference of neighbours over that of any two: steps of a sequence resemble the next one, samples do not."""
_ASKED = 4
"""Calls of one layer that are looked at: the first ones are not all of training."""
_FEWEST_CARRIED = 2
"""Calls that were given the state of the call before, each without its gradient."""


class Recurrent:
    """Follows recurrent layers and cells while the session is watching."""

    def __init__(self, features: Features) -> None:
        self.features = features
        self.states: dict[int, list[torch.Tensor]] = {}
        """By the id of a layer, a copy of what it passed on at its last call of this graph, with a gradient."""
        self.asked: Counter[int] = Counter()
        """How often each layer was called."""
        self.carried = self.without = 0
        self.whole = False
        """A layer was given several steps at once, and remembers within them."""
        self.where: Where | None = None

    def before(
        self, module: nn.Module, args: Any, kwargs: Mapping[str, Any], shapes: Iterable[Sequence[int]] | None = None
    ) -> None:
        """Note that a layer or a cell is called, within a model that was given tensors of these shapes."""
        given = args[0] if args else kwargs.get("input")
        if isinstance(module, nn.RNNBase) and isinstance(given, torch.Tensor) and self.features.wrong_axis is None:
            self.asked[id(module)] += 1
            if self.asked[id(module)] <= _ASKED and (shapes is None or _as_given(given, shapes)):
                self.features.wrong_axis = _wrong_axis(module, given.detach())
        self.whole = self.whole or (isinstance(module, nn.RNNBase) and _steps(module, given) != 1)
        state = [t for _, t in tensors(args[1] if len(args) > 1 else kwargs.get("hx"))]
        for new in state:
            if any(
                old.shape == new.shape and torch.equal(old, new.detach()) for old in self.states.get(id(module), ())
            ):
                self.carried += 1
                if not new.requires_grad:
                    self.without += 1
                    self.where = self.where or here(5)

    def after(self, module: nn.Module, output: Any) -> None:
        """Keep the state that a layer or a cell hands out, if gradients could pass through it."""
        state = output[1] if isinstance(module, nn.RNNBase) else output
        self.states[id(module)] = [t.detach().clone() for _, t in tensors(state) if t.requires_grad and bool(t.any())]

    def before_backward(self) -> None:
        """A graph is complete: what is carried over from here on is another one, as truncated backpropagation does."""
        if self.without == self.carried >= _FEWEST_CARRIED and not self.whole:
            self.features.state_detached = self.features.state_detached or self.where
        self.states.clear()
        self.carried = self.without = 0
        self.whole = False
        self.where = None


def _steps(module: nn.RNNBase, given: Any) -> int:
    """Steps of (T, D), or of (T, N, D) and (N, T, D); 0 for a packed sequence."""
    if not isinstance(given, torch.Tensor):
        return 0
    return given.shape[1 if module.batch_first and given.dim() == _SEQUENCES else 0]


def _wrong_axis(module: nn.RNNBase, given: torch.Tensor) -> WrongAxis | None:
    """Whether neighbours along the steps of a layer are strangers, and those along its samples are not."""
    if given.dim() != _SEQUENCES or min(given.shape[:2]) < _SHORTEST or given.numel() > _MOST_ELEMENTS:
        return None
    steps = int(module.batch_first)
    if _likeness(given, steps) < _UNRELATED or not 0.0 < _likeness(given, 1 - steps) <= _RELATED:
        return None
    return WrongAxis(type(module).__name__, list(given.shape), steps, here(5))


def _as_given(given: torch.Tensor, shapes: Iterable[Sequence[int]]) -> bool:
    """Whether both first dimensions are those of the model: joints of a skeleton are steps of another kind."""
    return any(sorted(given.shape[:2]) == sorted(shape[:2]) for shape in shapes)


def _likeness(given: torch.Tensor, dimension: int) -> float:
    """Mean difference of neighbours over that of pairs at random: 1 without any order, 0 where all are the same."""
    order = torch.randperm(given.shape[dimension], generator=torch.Generator().manual_seed(0)).to(given.device)
    scale = float((given - given.index_select(dimension, order)).abs().mean())
    # One that was drawn beside itself does not differ.
    drawn = float((order != torch.arange(len(order), device=order.device)).double().mean())
    return float(given.diff(dim=dimension).abs().mean()) * drawn / scale if scale > 0 else 0.0
