"""What becomes of the parts of a batch: which of them models are given, and which losses compare with.

What is computed from a part of the batch stays known as made from it. Targets are parts that no model is given.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import torch

from runtime_probe.record import RowsMoved
from runtime_probe.tap.calls import LABELS
from runtime_probe.tap.orders import Orders, is_reordered, order_of, orders_of
from runtime_probe.tap.places import directly
from runtime_probe.tap.statistics import MOST_ANSWERED, answers, tensors

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from runtime_probe.tap.session import Session

_FROM = "_convdiag_from"
_BATCH = "_convdiag_batch"
"""Tag of what was computed from a batch: its number. Some loaders fetch the next one before this one is used."""
_PICKS = frozenset("getitem index_select from_numpy as_tensor tensor".split())
_MOST = 64

Made: TypeAlias = "tuple[torch.Tensor, frozenset[str]]"
"""A tensor, and the keys of the parts of the batch that it was computed from."""


def parts_of(value: Any) -> frozenset[str]:
    """Return the keys of the parts of the batch that something was computed from."""
    found: frozenset[str] = getattr(value, _FROM, frozenset())
    return found


def batch_of(value: Any) -> int:
    """Return the number of the latest batch that something was computed from; 0 if it was from none."""
    return getattr(value, _BATCH, 0) if isinstance(value, torch.Tensor) else 0


class Parts:
    """Follows the parts of the batch through one iteration, and remembers what they were for."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.batches = 0
        """Batches that were handed out."""
        self.handed_out: list[torch.Tensor] = []
        """The parts of the batch themselves."""
        self.made: list[Made] = []
        self.given: set[str] = set()
        """Parts that models were given."""
        self.inputs: set[str] = set()
        """Those of all iterations."""
        self.compared: set[str] = set()
        """Parts that a loss was computed from, in all iterations."""
        self.aimed_at: set[str] = set()
        """Parts that a loss function had for its target, in all iterations; models that compute their loss get them."""
        self.kinds: dict[str, tuple[tuple[int, ...], torch.dtype]] = {}
        """Shape and type of each part."""
        self.answered: set[tuple[int, ...]] = set()
        """Shapes of what models returned."""
        self.orders = Orders()

    def note_batch(self, batch: Any) -> None:
        """A loader has handed out a batch."""
        self.batches += 1
        for name, tensor in tensors(batch):
            self.kinds[name] = tuple(tensor.shape), tensor.dtype
            self.handed_out.append(tensor)
            self._note(tensor, frozenset((name,)), self.batches)

    def note_result(self, name: str, given: Sequence[torch.Tensor], args: Any, kwargs: Any, result: Any) -> None:
        """An operation was given tensors, and has made something; without a loader a script picks its own rows."""
        parts: frozenset[str] = frozenset().union(*(parts_of(x) for x in given))
        if not parts and name in _PICKS and self.session.record.batch.loaders == 0:
            where = directly(4)
            parts = frozenset((f"line {where.line}",)) if where is not None else parts
        if parts:
            self.session.masks.note_read(name, parts, result)
            order = order_of(name, args, kwargs, result)
            if order or any(map(is_reordered, given)):
                uses = frozenset().union(*(orders_of(x, parts_of(x)) for x in given))
                self.orders.note_result(order, uses or orders_of(None, parts), result)
            number = max(map(batch_of, given), default=0)
            for _, tensor in tensors(result):
                self._note(tensor, parts, number)

    def _note(self, tensor: torch.Tensor, parts: frozenset[str], number: int) -> None:
        setattr(tensor, _FROM, parts)
        setattr(tensor, _BATCH, number)
        fits = 1 < tensor.numel() <= MOST_ANSWERED and not tensor.is_complex()
        if fits and not tensor.requires_grad and len(self.made) < _MOST:
            self.made.append((tensor, parts))

    def note_call(self, module: torch.nn.Module, given: Iterable[tuple[str, torch.Tensor]], output: Any) -> None:
        """An outermost module has returned."""
        for name, tensor in given:
            if name.rpartition(".")[2] not in LABELS:
                self.given |= parts_of(tensor)
                self.orders.note_given(tensor, orders_of(tensor, parts_of(tensor)))
        self.answered |= {tuple(tensor.shape) for _, tensor in answers(module, output)}

    def note_loss(self, loss: Any) -> None:
        """A backward pass of a loss is over."""
        self.compared |= parts_of(loss)
        # What was made of the batch before the first module ran is watched from the second step on.
        if self.session.course.in_phase:
            self.orders.note_loss(orders_of(loss, parts_of(loss)))

    def targets(self, loss: Any) -> list[Made]:
        """Return what was made of parts that a loss depends on, and that no model was given."""
        return [(tensor, parts) for tensor, parts in self.made if parts & parts_of(loss) and not parts & self.given]

    def reconstructed(self, loss: Any, shape: tuple[int, ...]) -> list[torch.Tensor]:
        """Return what was made of parts that a loss depends on, models were given, and have the shape of an output."""
        made = [tensor for tensor, parts in self.made if parts & parts_of(loss) and parts <= self.given]
        return [tensor for tensor in made if tuple(tensor.shape) == shape and tensor.is_floating_point()]

    def roles(self) -> tuple[set[str], set[str]]:
        """Return the parts of the batch that are inputs, and those that are targets.

        What a diffusion or flow model is to give back it is given as well, with noise, and so is its encoder what a
        variational one is to give back.
        """
        masks = {name for name, (_, dtype) in self.kinds.items() if dtype == torch.bool}
        targets = self.compared - self.inputs - masks
        if self.session.record.features.time_argument or not targets:
            targets |= {name for name in self.inputs if name in self.kinds and self.kinds[name][0] in self.answered}
        aimed_at = self.aimed_at - masks
        if aimed_at and self.inputs - aimed_at - masks:
            targets = aimed_at  # what else goes into a loss may be a weight, or say which samples count
        return self.inputs - targets - masks, targets

    def _note_moved(self) -> None:
        """Rows of some parts may have been used in another order than those of others. Mixup reorders both."""
        features = self.session.record.features
        rows = {name: shape[0] for name, (shape, _) in self.kinds.items() if shape}
        if not self.session.record.batch.loaders:  # a script that picks its rows picks constants, too
            rows = dict.fromkeys(self.orders.used, 0)
        moved = self.orders.mixed(rows)
        if moved is not None and (self.session.record.batch.loaders or not self.given & set(moved[0])):
            of_inputs = any(part in self.given for part in moved[0])
            features.rows_moved = RowsMoved("an input" if of_inputs else "a target", moved[1])
        blended = self.orders.unblended(self.kinds.keys() - self.given)
        if blended is not None:
            features.rows_moved = RowsMoved("", blended)

    def forget(self) -> None:
        """An iteration is over."""
        self._note_moved()
        self.inputs |= self.given
        self.handed_out.clear()
        self.made.clear()
        self.given.clear()
        self.orders.forget()
