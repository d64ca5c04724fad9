"""Softmax: along which dimension its weights add up to 1, and which one attention sums over with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from runtime_probe.tap.places import here

if TYPE_CHECKING:
    from runtime_probe.record import Where
    from runtime_probe.tap.session import Session

_TAG = "_convdiag_softmax"
_PASSED_ON = frozenset("dropout masked_fill nan_to_num to type_as float half bfloat16 contiguous".split())
_WHOLE = frozenset(("scaled_dot_product_attention", "multi_head_attention_forward"))
_PRODUCTS = frozenset("matmul bmm einsum".split())
_ROWS, _SQUARE, _SHORTEST = 2, 3, 2
"""Dimensions of scores (N, C), of the scores of all pairs (N, ..., T, T), and a T that may be something else."""


class Attention:
    """Follows the weights of a softmax to the product with the values, while the session is watching."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.seen = False
        """Pairs of a sequence were weighed."""
        self.other_axis: Where | None = None
        """Where weights were made that add up to 1 along another dimension than that which is summed over."""

    def note(self, name: str, args: Any, kwargs: Any, result: Any) -> None:
        """A function of torch has returned."""
        if name in ("softmax", "log_softmax"):
            self._made(args, kwargs, result)
        elif name in _WHOLE:
            self.seen = True
        elif name in _PASSED_ON and args and isinstance(result, torch.Tensor):
            tag = getattr(args[0], _TAG, None)
            if tag is not None:
                setattr(result, _TAG, tag)
        elif name in _PRODUCTS:
            self._multiplied(name, args)

    def _made(self, args: Any, kwargs: Any, result: Any) -> None:
        given = args[0] if args else kwargs.get("input")
        dimension = kwargs.get("dim", args[1] if len(args) > 1 else None)
        if not isinstance(given, torch.Tensor) or not isinstance(dimension, int) or given.dim() < _ROWS:
            return
        dimension %= given.dim()
        if dimension == 0:
            self._along_the_batch(given, here(5))
        *_, rows, columns = given.shape
        if given.dim() >= _SQUARE and rows == columns > _SHORTEST:
            setattr(result, _TAG, (dimension, here(5)))

    def _along_the_batch(self, given: torch.Tensor, where: Where) -> None:
        """Scores of all pairs of a batch are square, and go both ways."""
        sizes = {shapes[0][0] for shapes in self.session.calls.sizes.values() if shapes and shapes[0]}
        found, rows = self.session.record.softmax_over_batch, given.shape[0]
        if rows > 1 and rows in sizes and rows != given.shape[1] and str(where) not in {str(known) for known in found}:
            found.append(where)

    def _multiplied(self, name: str, args: Any) -> None:
        equation = args[0] if name == "einsum" and args and isinstance(args[0], str) else ""
        operands = args[1:] if equation else args
        if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
            operands = operands[0]
        letters, _, out = equation.replace(" ", "").partition("->")
        for place, operand in enumerate(operands[:2]):
            tag = getattr(operand, _TAG, None)
            if tag is None:
                continue
            self.seen = True
            dimension, where = tag
            if out and "." not in equation:
                summed = letters.split(",")[place][dimension] not in out
            elif equation:
                continue
            else:
                summed = dimension == operand.dim() - 1 - place  # the last of the left, the last but one of the right
            if not summed and self.other_axis is None:
                self.other_axis = where
