"""Rows of a batch that are brought into another order on the way to the loss: do all parts of it go along?

Mixup and negative pairs use the rows in two orders. A part that is only ever used in one, beside parts that are only
ever used in another, belongs to other samples.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, TypeAlias

import torch

from runtime_probe.tap.places import exactly

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from runtime_probe.record import Where

_ORDERS = "_convdiag_orders"
_FEWEST = 3
"""Rows of a batch."""
_MOST = 64
"""Parts and orders of one tensor; more are a loop over shifts."""

Order: TypeAlias = "tuple[int, ...]"
"""Which row of the batch stands at each place; none for the order that the batch was handed out in."""
Uses: TypeAlias = "frozenset[tuple[str, Order]]"


def orders_of(tensor: Any, parts: Iterable[str]) -> Uses:
    """Return the orders in which a tensor made use of the rows of each of its parts."""
    found: Uses = getattr(tensor, _ORDERS, frozenset((part, ()) for part in parts))
    return found


def is_reordered(tensor: torch.Tensor) -> bool:
    """Whether rows of the batch stand in another order in something that was made of it."""
    return hasattr(tensor, _ORDERS)


class Orders:
    """Orders of rows in one iteration."""

    def __init__(self) -> None:
        self.used: dict[str, set[Order]] = defaultdict(set)
        self.where: dict[str, Where] = {}
        self.blended: set[str] = set()
        """Parts of which a model was given one sample mixed with another."""

    def note_given(self, tensor: torch.Tensor, uses: Uses) -> None:
        """A model was given something that was made of parts of the batch."""
        for part, order in uses:
            if order and (part, ()) in uses and tensor.dim() and len(tensor) == len(order):
                self.blended.add(part)

    def note_result(self, order: Order, uses: Uses, result: Any) -> None:
        """An operation has made something of parts of the batch, and brought their rows into an order, or left them."""
        # torch packs sequences by their length, and puts back what it has made of them.
        where = exactly(5) if order else None
        if where is not None:
            uses = frozenset((part, _then(before, order)) for part, before in uses)
            self.where.update({part: where for part, own in uses if own})
        if any(own for _, own in uses) and len(uses) <= _MOST:
            for item in result if isinstance(result, (list, tuple)) else (result,):
                if isinstance(item, torch.Tensor):
                    setattr(item, _ORDERS, uses)

    def note_loss(self, uses: Uses) -> None:
        """A loss was made of parts of the batch."""
        for part, order in uses:
            self.used[part].add(order)

    def mixed(self, rows: dict[str, int]) -> tuple[list[str], Where] | None:
        """Return parts whose rows stand in another order than those of all others, and where that was done.

        Args:
            rows: Number of rows of each part that counts.
        """
        used = {part: orders for part, orders in self.used.items() if part in rows}
        moved = {part: orders for part, orders in used.items() if () not in orders and part in self.where}
        sizes = {rows[part] for part in moved}
        others = [part for part, orders in used.items() if () in orders and rows[part] in sizes]
        if not moved or not others:
            return None
        return sorted(moved), self.where[min(moved)]

    def unblended(self, targets: Iterable[str]) -> Where | None:
        """Return where samples were mixed with others, if none of the targets that were used was: mixup forgot them."""
        used = [orders for part, orders in self.used.items() if part in targets]
        known = [self.where[part] for part in sorted(self.blended & self.used.keys()) if part in self.where]
        return known[0] if known and used and all(orders == {()} for orders in used) else None

    def forget(self) -> None:
        """An iteration is over."""
        self.blended.clear()
        self.used.clear()
        self.where.clear()


def _then(before: Order, order: Order) -> Order:
    """One order after another; what was sorted, and put back, stands where it stood."""
    made = tuple(before[i] for i in order) if len(before) == len(order) else order
    return () if made == tuple(range(len(made))) else made


def order_of(name: str, args: Sequence[Any], kwargs: Any, result: Any) -> Order:
    """Return the order that an operation brings all rows into; none where it leaves them, or makes other ones."""
    rows = args[0] if args else None
    if not isinstance(rows, torch.Tensor) or not isinstance(result, torch.Tensor) or rows.shape != result.shape:
        return ()
    n = len(rows) if rows.dim() else 0
    if n < _FEWEST:
        return ()
    if name == "getitem":
        index = args[1] if len(args) > 1 else None
        index = index[0] if isinstance(index, tuple) and len(index) == 1 else index
        places = [] if isinstance(index, tuple) else _numbers(index, n)
    elif name == "index_select":
        along = args[1] if len(args) > 1 else kwargs.get("dim")
        places = _numbers(args[2] if len(args) > 2 else kwargs.get("index"), n) if along == 0 else []
    elif name in ("flip", "flipud"):
        along = args[1:] or (kwargs.get("dims", (0,) if name == "flipud" else ()),)
        places = list(range(n))[::-1] if 0 in _flat(along) else []
    elif name == "roll":
        places = _rolled(args, kwargs, rows.dim(), n)
    else:
        return ()
    return tuple(places) if sorted(places) == list(range(n)) else ()


def _rolled(args: Sequence[Any], kwargs: Any, dimensions: int, n: int) -> list[int]:
    shifts = _flat((args[1] if len(args) > 1 else kwargs.get("shifts", ()),))
    along = _flat((args[2] if len(args) > 2 else kwargs.get("dims", ()),)) or ([0] if dimensions == 1 else [])
    by = sum(shift for shift, dimension in zip(shifts, along, strict=False) if dimension == 0)
    return [(i - by) % n for i in range(n)]


def _flat(value: Any) -> list[int]:
    """Numbers of a number, or of tuples of them."""
    if isinstance(value, (list, tuple)):
        return [x for item in value for x in _flat(item)]
    return [value] if isinstance(value, int) else []


def _numbers(index: Any, n: int) -> list[int]:
    """Whole numbers of an index (N); empty for another kind."""
    if isinstance(index, torch.Tensor):
        fits = index.dim() == 1 and len(index) == n and index.dtype in (torch.long, torch.int32)
        return [i % n for i in index.tolist()] if fits else []
    if type(index).__module__ == "numpy" and getattr(index, "ndim", 0) == 1 and index.dtype.kind in "iu":
        return [int(i) % n for i in index]
    return [i % n for i in index] if isinstance(index, list) and all(isinstance(i, int) for i in index) else []
