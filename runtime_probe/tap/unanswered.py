"""Outputs of a model that a loss compares with their targets, and that its gradient never comes back to.

The loss then only measures them: the error was detached, or wrapped into a new tensor, on the way to backward().
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from runtime_probe.tap.parts import parts_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import torch

    from runtime_probe.record import Features, Where

    Edge = tuple[Any, int]
    """An autograd node, and which of its outputs: chunk() has several."""

_MOST, _NEAR, _WHOLE = 64, 200, 20_000
"""Comparisons of one step, operations between an output and its comparison, and those of a graph."""


class _Compared(NamedTuple):
    """A comparison of something that was made of outputs of models."""

    given: Edge
    outputs: set[Edge]
    parts: frozenset[str]
    """Of the batch, that the target was made of."""
    where: Where


class Unanswered:
    """Follows what is compared in one iteration until its backward passes are over."""

    def __init__(self, features: Features) -> None:
        self.features = features
        self.compared: list[_Compared] = []
        self.trained: set[Edge] = set()
        """Of what is compared, and of outputs: those that a loss gives a gradient to."""
        self.lost: frozenset[str] = frozenset()
        """Parts of the batch that a loss was made of."""

    def note_compared(
        self, given: torch.Tensor, target: torch.Tensor, where: Where, outputs: Iterable[torch.Tensor]
    ) -> None:
        """A number that requires a gradient was compared with a target, after models have returned these outputs."""
        parts = parts_of(target)
        if not target.requires_grad and parts and len(self.compared) < _MOST:
            made = {edge_of(output) for output in outputs}
            near = made & _graph(given, _NEAR, made)
            self.compared.append(_Compared(edge_of(given), near, parts, where))

    def note_backward(self, loss: Any) -> None:
        """A backward pass of a loss is about to run, or over; of several losses nothing is known."""
        self.lost |= parts_of(loss)
        edges = _graph(loss, _WHOLE) if self.compared and hasattr(loss, "grad_fn") else None
        for compared in self.compared:
            of = {compared.given, *compared.outputs}
            self.trained |= of if edges is None or len(edges) >= _WHOLE else of & edges

    def forget(self) -> None:
        """An iteration is over: what was compared, counted, and got nothing back?"""
        answered = {compared.parts for compared in self.compared if compared.given in self.trained}
        for compared in self.compared if self.features.unanswered is None else ():
            silent = bool(compared.outputs) and not compared.outputs & self.trained
            if silent and compared.parts <= self.lost and compared.parts not in answered:
                self.features.unanswered = compared.where
        self.compared.clear()
        self.trained.clear()
        self.lost = frozenset()


def edge_of(value: torch.Tensor) -> Edge:
    """Return what stands for a tensor in the graph of autograd."""
    return value.grad_fn, value.output_nr


def _graph(value: torch.Tensor, most: int, ends: set[Edge] | frozenset[Edge] = frozenset()) -> set[Edge]:
    """Return what something was computed from, nearest first, and so many at most; not what is behind `ends`."""
    found: set[Edge] = set()
    rest: Sequence[Edge] = [edge_of(value)]
    while rest and len(found) < most:
        new = [edge for edge in dict.fromkeys(rest) if edge[0] is not None and edge not in found]
        found.update(new)
        rest = [child for edge in new if edge not in ends for child in edge[0].next_functions]
    return found
