"""Attention: along which dimension its weights add up to 1, and which one is summed over with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from runtime_probe.tap.places import here

if TYPE_CHECKING:
    from runtime_probe.record import Where

_TAG = "_convdiag_softmax"
_PASSED_ON = frozenset("dropout masked_fill nan_to_num to type_as float half bfloat16 contiguous".split())
_WHOLE = frozenset(("scaled_dot_product_attention", "multi_head_attention_forward"))
_PRODUCTS = frozenset("matmul bmm einsum".split())
_SQUARE, _SHORTEST = 3, 2
"""Dimensions of the scores of all pairs (N, ..., T, T), and a T that may be something else."""


class Attention:
    """Follows the weights of attention to the product with the values, while the session is watching."""

    def __init__(self) -> None:
        self.seen = False
        """Pairs of a sequence were weighed."""
        self.other_axis: Where | None = None
        """Where weights were made that add up to 1 along another dimension than that which is summed over."""

    def note(self, name: str, args: Any, kwargs: Any, result: Any) -> None:
        """A function of torch has returned."""
        if name == "softmax":
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
        if isinstance(given, torch.Tensor) and isinstance(dimension, int) and given.dim() >= _SQUARE:
            *_, rows, columns = given.shape
            if rows == columns > _SHORTEST:
                setattr(result, _TAG, (dimension % given.dim(), here(5)))

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
