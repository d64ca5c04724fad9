"""Embeddings that are compared with each other, and what logits make of their likeness."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from runtime_probe.tap.places import here

if TYPE_CHECKING:
    from runtime_probe.record import LossCall, Record

_OF_COLUMNS = frozenset("matmul mm rmatmul".split())
COMPARISONS = _OF_COLUMNS | frozenset("linear cdist einsum".split())
_ROUNDING = 1e-3
_ROWS = 2
_MOST = 1_000_000
_KEPT = 4
"""Comparisons of one iteration: a loss follows its own closely."""
_MASKED = 1e4
"""Logits beyond are no likeness: a sample was kept from its own candidates."""
_LINEAR, _ALONG = 0.999, 0.99
"""Correlation of logits with cosines that they are a multiple of; cosine of vectors that point the same way."""
_FEWEST, _SHORTEST = 3, 8
"""Rows, and numbers in each, that do not point the same way by chance."""


@dataclass(slots=True)
class _Compared:
    """Rows (N, D) and rows (M, D) that were compared."""

    a: torch.Tensor
    b: torch.Tensor
    units: bool
    """The rows of each have one length."""
    to_a: torch.Tensor | None = None
    """Minus the gradient of the loss there, once that has come."""
    to_b: torch.Tensor | None = None


class Contrast:
    """Remembers which embeddings were compared with which, until logits of all pairs reach a loss."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self.compared: deque[_Compared] = deque(maxlen=_KEPT)

    def note(self, name: str, args: Any, result: Any) -> None:
        """A function that may compare all rows of one matrix with all of another has returned."""
        pair = _operands(name, args)
        if pair is None or not isinstance(result, torch.Tensor) or not 1 < result.numel() <= _MOST:
            return
        (a, right), turned = pair, name in _OF_COLUMNS
        b = right.mT if turned else right
        if result.dim() != 2 or result.shape != (len(a), len(b)) or a.shape[1] != b.shape[1]:
            return
        units = _of_one_length(a) and _of_one_length(b)
        made = a.requires_grad and right.requires_grad and not isinstance(right, torch.nn.Parameter)
        if not units and not (made and name != "linear"):
            return
        compared = _Compared(a.detach(), b.detach(), units)
        self.compared.append(compared)
        if made:
            a.register_hook(lambda gradient: setattr(compared, "to_a", -gradient.detach()))
            right.register_hook(lambda g: setattr(compared, "to_b", -(g.mT if turned else g).detach()))
        features = self.record.features
        if units and _alike(a, b):
            features.views_alike = features.views_alike or here(4)
        elif units and result.requires_grad and a.shape == b.shape:
            features.views_compared = True

    def describe(self, call: LossCall, logits: torch.Tensor, labels: torch.Tensor) -> None:
        """Note how logits (N, M) go with the cosines of the embeddings that they were made of."""
        for compared in reversed(self.compared):
            a, b = compared.a, compared.b
            if logits.shape not in ((len(a), len(b)), (len(b), len(a))):
                continue
            counted = logits.abs() < _MASKED
            if a.data_ptr() == b.data_ptr():
                call.own_candidate = _own_candidates(logits, labels)
                counted = counted & ~torch.eye(len(logits), dtype=torch.bool, device=logits.device)
            cosines = torch.nn.functional.normalize(a, dim=1) @ torch.nn.functional.normalize(b, dim=1).T
            for turned in (cosines, cosines.T):
                if turned.shape == logits.shape:
                    _correlate(call, turned[counted].double(), logits[counted].double(), units=compared.units)
            if call.likeness is not None:
                return

    def collapses(self) -> bool:
        """After a backward pass: does a loss want nothing else of the embeddings than that rows meet?"""
        return any(
            only_together(compared.a, compared.to_a, compared.b, compared.to_b)
            for compared in self.compared
            if compared.to_a is not None and compared.to_b is not None
        )

    def forget(self) -> None:
        """An iteration is over."""
        self.compared.clear()


def _own_candidates(logits: torch.Tensor, labels: torch.Tensor) -> bool:
    """Whether each sample is likeliest to be itself, and another one is asked for."""
    if labels.shape != logits.shape[:1]:
        return False
    asked = bool((labels != torch.arange(len(labels), device=labels.device)).all())
    return asked and bool((logits.diagonal() >= logits.amax(dim=1)).all())


def _correlate(call: LossCall, cosines: torch.Tensor, logits: torch.Tensor, *, units: bool) -> None:
    if len(cosines) < _FEWEST or not bool((cosines != cosines[0]).any()) or not bool((logits != logits[0]).any()):
        return
    likeness = float(torch.corrcoef(torch.stack([cosines, logits]))[0, 1])
    if call.likeness is None or abs(likeness) > abs(call.likeness):
        around = cosines - cosines.mean()
        slope = float((around * logits).sum() / around.square().sum())
        call.likeness, call.scale = likeness, slope if units and likeness > _LINEAR else None


def only_together(a: torch.Tensor, to_a: torch.Tensor, b: torch.Tensor, to_b: torch.Tensor) -> bool:
    """Return whether a loss wants nothing else of two sets of embeddings than that rows meet.

    What keeps a sample from all others makes them want to part from those, and a side without a gradient is a target.

    Args:
        a: (N, D) embeddings of one view.
        to_a: (N, D) what the loss wants of them, minus its gradient.
        b: (N, D) embeddings of the other.
        to_b: (N, D) what the loss wants of those.
    """
    if a.shape != b.shape or a.dim() != 2 or len(a) < _FEWEST or a.shape[1] < _SHORTEST:
        return False
    return _towards(a, to_a, b) and _towards(b, to_b, a)


def _towards(rows: torch.Tensor, wanted: torch.Tensor, others: torch.Tensor) -> bool:
    """Whether each row wants to where the other is: straight, in its direction, or round the sphere."""
    unit = torch.nn.functional.normalize(rows, dim=1)
    tangent = others - (others * unit).sum(dim=1, keepdim=True) * unit
    return any(
        bool((torch.cosine_similarity(wanted, way, dim=1) > _ALONG).all()) for way in (others - rows, others, tangent)
    )


def _operands(name: str, args: Any) -> tuple[torch.Tensor, torch.Tensor] | None:
    """Rows (N, D) that are compared, as embeddings are, with others (M, D), or with columns (D, M)."""
    if name == "einsum":
        left, _, out = str(args[0]).replace(" ", "").partition("->")
        letters, args = left.split(","), args[1:]
        args = args[0] if len(args) == 1 and isinstance(args[0], (list, tuple)) else args
        if len(args) != 2 or any(len(part) != 2 for part in (*letters, out)) or letters[0][1] != letters[1][1]:
            return None
    if len(args) < 2 or not all(isinstance(x, torch.Tensor) and x.dim() == 2 for x in args[:2]):
        return None
    return args[0], args[1]


def _of_one_length(rows: torch.Tensor) -> bool:
    """Whether the vectors (N, D) have the same length, asked of two and then of all."""
    if not rows.is_floating_point() or len(rows) < _ROWS:
        return False
    first, second = (float(row.norm()) for row in rows[:2].detach())
    close = abs(first - second) < _ROUNDING * first
    return close and bool(((rows.norm(dim=-1) - first).abs() < _ROUNDING * first).all())


def _alike(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Whether embeddings (N, D) that are compared with each other are the same, or both halves of one set of them."""
    if a.shape != b.shape or len(a) < 2 or not a.requires_grad or bool((a == a[:1]).all()):
        return False
    if a.data_ptr() == b.data_ptr():
        half = len(a) // 2
        a, b = a[:half], b[half : 2 * half]
    return torch.equal(a, b)
