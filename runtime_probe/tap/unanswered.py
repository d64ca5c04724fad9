"""Outputs of a model that a loss compares with their targets, and whose gradient never comes back.

The loss then only measures them: the error was detached, or wrapped into a new tensor, on the way to backward().
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from runtime_probe.tap.parts import parts_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    import torch

    from runtime_probe.record import Features, Where

_MOST, _MOST_NODES = 64, 200
"""Comparisons of one step, and operations between an output and its comparison."""


class _Compared(NamedTuple):
    """A comparison of something that is made of outputs of models."""

    outputs: set[int]
    """Their places."""
    parts: frozenset[str]
    """Of the batch, that the target was made of."""
    where: Where


class Unanswered:
    """Follows what is compared in one iteration until its backward passes are over."""

    def __init__(self, features: Features) -> None:
        self.features = features
        self.compared: list[_Compared] = []
        self.answered: set[frozenset[str]] = set()
        """Targets whose comparison got a gradient."""
        self.reached: set[int] = set()
        """Places of outputs that got one."""
        self.lost: frozenset[str] = frozenset()
        """Parts of the batch that a loss was made of."""

    def note_compared(
        self, given: torch.Tensor, target: torch.Tensor, where: Where, outputs: Sequence[tuple[str, torch.Tensor]]
    ) -> None:
        """A number that requires a gradient was compared with a target; `outputs` of models, in their places."""
        parts = parts_of(target)
        if target.requires_grad or not parts or len(self.compared) >= _MOST:
            return
        self.compared.append(_Compared(_behind(given, outputs), parts, where))
        given.register_hook(lambda gradient: self.answered.add(parts))

    def note_backward(self, loss: object, places: Iterable[int]) -> None:
        """A backward pass is over, in which the outputs at these places got a gradient."""
        self.lost |= parts_of(loss)
        self.reached |= set(places)

    def forget(self) -> None:
        """An iteration is over: what was compared, counted, and got nothing back?"""
        for outputs, parts, where in self.compared:
            silent = bool(outputs) and not outputs & self.reached
            if silent and parts <= self.lost and parts not in self.answered and self.features.unanswered is None:
                self.features.unanswered = where
        self.compared.clear()
        self.answered.clear()
        self.reached.clear()
        self.lost = frozenset()


def _behind(given: torch.Tensor, outputs: Sequence[tuple[str, torch.Tensor]]) -> set[int]:
    """Places of the outputs that something was computed from, as far as it was not far."""
    # A node may have several outputs, as that of chunk() has.
    wanted = {(output.grad_fn, output.output_nr): place for place, (_, output) in enumerate(outputs)}
    found: set[int] = set()
    seen: set[tuple[Any, int]] = set()
    rest: list[tuple[Any, int]] = [(given.grad_fn, given.output_nr)]
    while rest and len(seen) < _MOST_NODES:
        edge = rest.pop(0)
        if edge[0] is None or edge in seen:
            continue
        seen.add(edge)
        if edge in wanted:
            found.add(wanted[edge])
        else:
            rest += edge[0].next_functions
    return found
