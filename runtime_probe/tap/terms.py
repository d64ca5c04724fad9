"""Which parameters each term of a loss depends on, and whether an optimizer made use of its gradient.

A term whose gradient reaches only parameters that another optimizer holds, and that are cleared before that one steps,
trains nobody: the action that a critic judges was drawn without a gradient, say, or taken from the data.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from runtime_probe.record import Where
from runtime_probe.tap import places
from runtime_probe.tap.places import here

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.tap.tracked import Tracked

_TERMS = "_convdiag_terms"
_SUMS = ("AddBackward", "SubBackward", "RsubBackward")
_SINGLE = ("Mean", "Sum", "Neg", "Mul", "Div", "View", "Reshape", "Squeeze", "ToCopy", "Clone", "Alias")
"""Operations that scale a sum of terms, or add up its rows, where one argument alone has a gradient."""
_MOST_NODES = 20_000
_MOST_TERMS = 8
_TWICE = 2
_BATCH = 4
"""Samples: of fewer, the first dimension may be anything."""
_DIRECTLY = 3
"""Operations between a parameter and the sum of a penalty on it."""
_REDUCTIONS = {1: "mean", 2: "sum"}
"""As torch's loss functions keep it for their backward pass."""


class Term(NamedTuple):
    """A scalar that a loss is the sum of, with others."""

    value: torch.Tensor
    sign: float
    """That it has in the sum."""
    divided: float
    """Largest number that it is divided by there."""
    where: Where
    """Line that computed it."""


@dataclass(slots=True)
class _Part:
    """One term of one backward pass."""

    leaves: set[int]
    """Ids of the parameters that hold its gradient now."""
    used: bool = False


@dataclass(slots=True)
class _Line:
    """A line that calls backward()."""

    where: Where
    parts: list[_Part] = field(default_factory=list)
    """Of the last call."""
    idle: int = 0
    """Calls of which one term was used, and the gradient of another cleared."""
    calls: int = 0


class Terms:
    """Terms of losses, from their backward pass to the step that uses them."""

    def __init__(self) -> None:
        self.lines: dict[str, _Line] = {}

    def note_backward(self, loss: Any) -> None:
        """A backward pass of a loss is about to run."""
        where = here(2)
        line = self.lines.setdefault(str(where), _Line(where))
        if line.parts:
            line.calls += 1
            line.idle += any(p.used for p in line.parts) and any(not p.used and not p.leaves for p in line.parts)
        nodes = _split(getattr(loss, "grad_fn", None))
        parts = [_Part(leaves) for node in nodes if (leaves := _leaves(node))] if len(nodes) > 1 else []
        line.parts = parts if len(parts) > 1 else []

    def note_step(self, tracked: Tracked) -> None:
        """An optimizer has stepped."""
        for part in self._parts():
            part.used = part.used or bool(part.leaves & tracked.ids)

    def note_cleared(self, tracked: Tracked) -> None:
        """The gradients of an optimizer were found cleared."""
        for part in self._parts():
            part.leaves -= tracked.ids

    def found(self) -> list[Where]:
        """Return the lines where a term trained nobody each time."""
        return [line.where for line in self.lines.values() if line.idle >= _TWICE and line.idle == line.calls]

    def _parts(self) -> Iterable[_Part]:
        return (part for line in self.lines.values() for part in line.parts)


def terms(loss: Any) -> list[Term]:
    """Return of which terms a scalar is the sum, as far as it was watched; itself alone where it is none."""
    known: list[Term] = getattr(loss, _TERMS, [])
    return known or [Term(loss, 1.0, 1.0, getattr(loss, places.MADE_AT, Where()))]


def note_sum(name: str, args: Any, result: torch.Tensor) -> None:
    """An operation has made a scalar that requires a gradient: remember its terms, if it is a sum."""
    of = [terms(x) if _is_term(x) else [] for x in args[:2]]
    found: list[Term] = []
    if name in ("add", "radd", "iadd"):
        found = [item for part in of for item in part]
    elif name in ("sub", "rsub", "isub") and len(of) == 2:
        minus = 0 if name == "rsub" else 1
        found = [_times(term, -1.0) if place == minus else term for place, part in enumerate(of) for term in part]
    elif name in ("mul", "rmul", "div", "truediv") and sum(map(bool, of)) == 1:
        factor = next((float(x) for x in args[:2] if not _is_term(x)), 1.0)
        # A weight may be as small as one over the number of samples, and means another thing.
        # What a batch was counted for is a number of its own.
        divisor = args[1] if name in ("div", "truediv") and len(args) > 1 else 1.0
        divided = math.inf if isinstance(divisor, torch.Tensor) else abs(float(divisor))
        found = [_times(term, factor, divided) for part in of for term in part]
    elif name == "neg" and of:
        found = [_times(term, -1.0) for term in of[0]]
    # One that held itself would keep its graph alive.
    if found and all(term.value is not result for term in found):
        setattr(result, _TERMS, found)


def mixed(loss: Any) -> Where | None:
    """Return where a sum over the samples of a batch is made that stands beside a mean over them; None without both.

    Such a sum is as many times too heavy as there are samples. One that is divided by their number is a mean.
    """
    sums, means = [], 0
    for term in terms(loss):
        kind, shape = _reduction(term.value.grad_fn)
        if not shape or shape[0] < _BATCH:
            continue
        if kind == "sum" and term.divided * _TWICE <= shape[0]:
            sums.append(term.where)
        else:
            means += 1
    return sums[0] if sums and means else None


def _times(term: Term, factor: float, divided: float = 1.0) -> Term:
    return term._replace(sign=-term.sign if factor < 0 else term.sign, divided=max(term.divided, divided))


def _reduction(node: Any) -> tuple[str, tuple[int, ...]]:
    """Whether a scalar is a "sum" or a "mean", and of what shape; empty for neither, and for parameters themselves."""
    name = node.name() if node is not None else ""
    if name.startswith(("Sum", "Mean")):
        shape = tuple(int(size) for size in getattr(node, "_saved_self_sym_sizes", ()))
        below = node.next_functions[0][0]
        for _ in range(_DIRECTLY):
            if below is None or hasattr(below, "variable"):
                return "", ()
            below = next((child for child, _ in below.next_functions if child is not None), None)
        return ("sum" if name.startswith("Sum") else "mean"), shape
    given, reduction = getattr(node, "_saved_self", None), getattr(node, "_saved_reduction", None)
    if not isinstance(given, torch.Tensor) or reduction not in _REDUCTIONS:
        return "", ()
    return _REDUCTIONS[reduction], tuple(given.shape)


def _is_term(value: Any) -> bool:
    return isinstance(value, torch.Tensor) and value.numel() == 1 and value.requires_grad


def _split(node: Any) -> list[Any]:
    """Return the autograd nodes of the terms that a loss is the sum or the mean of."""
    found, rest = [], [node] if node is not None else []
    while rest:
        node = rest.pop()
        inputs = [child for child, _ in node.next_functions if child is not None]
        if node.name().startswith(_SUMS) or (node.name().startswith(_SINGLE) and len(inputs) == 1):
            rest += inputs
        else:
            found.append(node)
    return found if len(found) <= _MOST_TERMS else []


def _leaves(node: Any) -> set[int]:
    """Ids of the tensors that gradients of a node are stored in; none where the graph is too large to follow."""
    found: set[int] = set()
    seen, rest = {node}, [node]
    while rest:
        node = rest.pop()
        variable: torch.Tensor | None = getattr(node, "variable", None)
        if variable is not None:
            found.add(id(variable))
        for child, _ in node.next_functions:
            if child is not None and child not in seen:
                seen.add(child)
                rest.append(child)
        if len(seen) > _MOST_NODES:
            return set()
    return found
