"""Masks of the batch: is anything made of them, and does the loss leave out what they mark?

The gradient at a prediction tells which positions count. Where the target is the same number everywhere on one side of
a mask, or at the ends of all sequences, that side was filled up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from runtime_probe.record import MaskRecord
from runtime_probe.tap.parts import batch_of
from runtime_probe.tap.places import user_frames
from runtime_probe.tap.statistics import MOST_ANSWERED, tensors

if TYPE_CHECKING:
    from runtime_probe.record import Where
    from runtime_probe.tap.session import Session

_READ = frozenset("item tolist numpy bool".split())
"""Operations after which a script may decide by Python what a mask was for."""
_FEWEST, _FEWEST_KINDS = 4, 3
"""Positions that are filled up, and different targets beside them."""
_MOST_FILLERS, _EACH, _RARELY = 2, 4, 0.5
"""Rows that others are filled up with (a picture and its mirror image), how often each, and their share elsewhere."""
_SHORTEST = 4
"""Sequence whose end may be filled up."""
_BATCHES = 3
"""That are kept."""


class Masks:
    """Follows the masks of a batch through the iterations that are watched."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.known: dict[str, MaskRecord] = {}
        self.at_hand: dict[int, dict[str, torch.Tensor]] = {}
        """Masks of the last batches, by the number of the batch."""
        self.variables: list[torch.Tensor] = []
        """Tensors of the functions that are running."""
        self.read: set[str] = set()
        """Parts of the batch that a script has looked at."""

    def note_batch(self, batch: Any) -> None:
        """A loader has handed out a batch, and its parts are known."""
        number = self.session.parts.batches
        self.at_hand[number] = {}
        self.at_hand.pop(number - _BATCHES, None)
        for name, tensor in tensors(batch):
            if _is_mask(tensor) or name in self.known:
                self.at_hand[number][name] = tensor
            if name not in self.known and _is_mask(tensor):
                boolean = tensor.dtype == torch.bool
                self.known[name] = MaskRecord(name, boolean, tensor.dim(), share=float(tensor.float().mean()))

    def note_read(self, name: str, parts: frozenset[str], result: Any) -> None:
        """An operation may have handed something of the batch to Python."""
        if name in _READ and not isinstance(result, torch.Tensor):
            self.read |= parts

    def note_backward(self, where: Where) -> None:
        """A backward pass at a line is over: what of each target has counted?"""
        self._note_variables()
        self._note_outputs(where)
        pull = self.session.pull
        for place, gradient in pull.wishes.items():
            given, kept, _, line = pull.predictions[place]
            target = kept.detach()
            weight = _weights(given, gradient, target)
            if weight is None or not bool(weight.any()):
                continue
            for name, mask in self.at_hand.get(batch_of(kept), {}).items():
                fitted = _fitted(mask.bool(), weight)
                if fitted is not None:
                    self._note(self.known[name], fitted, weight, target, line)
            ends = _ends(target)
            if ends is not None:
                record = self.known.setdefault("", MaskRecord("", boolean=True, dimensions=2))
                record.share = float(ends.float().mean())
                self._note(record, ends, weight, target, line)

    def _note_variables(self) -> None:
        """What does the script call the masks of the batch? Without a loader its variables are all there is of them."""
        scopes = [frame.f_locals for frame in user_frames(2)[::-1]]
        named = {k: v for scope in scopes for k, v in scope.items() if isinstance(v, torch.Tensor)}
        for masks in self.at_hand.values():
            for name, mask in masks.items():
                called = (k for k, v in named.items() if v is mask)
                self.known[name].variable = self.known[name].variable or next(called, "")
        if not self.session.record.batch.loaders:
            self.at_hand[0] = {k: v for k, v in named.items() if v.dim() > 1 and v.dtype == torch.bool and _is_mask(v)}
            for name, mask in self.at_hand[0].items():
                share = float(mask.float().mean())
                self.known.setdefault(name, MaskRecord(name, boolean=True, dimensions=mask.dim(), share=share))
                self.read.add(name)  # what else becomes of a variable is not followed
        self.variables = list(named.values())

    def _note_outputs(self, where: Where) -> None:
        """Where a loss compares what a mask has picked: which positions of a model's output got a gradient?"""
        pull = self.session.pull
        targets = self.session.parts.handed_out or [v for v in self.variables if not v.requires_grad]
        for place, gradient in pull.gradients.items():
            _, output = pull.outputs[place]
            masks = self.at_hand.get(batch_of(output), {})
            for target in targets if masks and bool(gradient.any()) else []:
                same = target.shape == output.shape and batch_of(target) == batch_of(output)
                for name, mask in masks.items() if same and target.is_floating_point() else ():
                    fitted = _fitted(mask.bool(), gradient)
                    if fitted is not None and _decides(fitted, gradient):
                        self._note(self.known[name], fitted, gradient.abs(), target, where)

    def _note(
        self, record: MaskRecord, mask: torch.Tensor, weight: torch.Tensor, target: torch.Tensor, where: Where
    ) -> None:
        """Mask (M...), weight and target (M..., ...): which side is filled up, and how much does each count?"""
        filled = next((side for side in (True, False) if _filler(target[mask == side], target[mask != side])), None)
        marked, unmarked = (float(weight[rows].double().mean()) for rows in (mask, ~mask))
        # Of several losses, and steps: that which leaves least out of what was filled up.
        known = record.marked if record.filled else record.unmarked
        if not record.where.path or (filled is not None and (record.filled is None or known == 0.0)):
            record.filled, record.marked, record.unmarked, record.where = filled, marked, unmarked, where

    def found(self) -> list[MaskRecord]:
        """Return what became of each mask."""
        self.at_hand.clear()
        self.variables.clear()
        parts = self.session.parts
        used = parts.inputs | parts.given | parts.compared | self.read
        for name, record in self.known.items():
            record.used = name in used or not name
        return list(self.known.values())


def _is_mask(tensor: torch.Tensor) -> bool:
    """Whether it holds nothing but 0 and 1, and both."""
    if tensor.numel() < 2 or tensor.dim() == 0 or tensor.is_complex() or tensor.numel() > MOST_ANSWERED:
        return False
    low, high = tensor.min(), tensor.max()
    return bool(low == 0) and bool(high == 1) and bool(((tensor == low) | (tensor == high)).all())


def _weights(given: torch.Tensor, gradient: torch.Tensor, target: torch.Tensor) -> torch.Tensor | None:
    """How much each element of a target counts, in the shape of the target; logits have a dimension of classes more."""
    sizes = gradient.abs()
    if given.shape == target.shape:
        return sizes
    if given.dim() == target.dim() + 1 and given.shape[:1] + given.shape[2:] == target.shape:
        return sizes.sum(dim=1)
    return None


def _fitted(mask: torch.Tensor, weight: torch.Tensor) -> torch.Tensor | None:
    """The mask with as many first dimensions as it shares with the weight (N, ...); None where they do not fit.

    A mask of a whole sequence (N, T, ...) may belong to a loss of its end, or of its beginning.
    """
    while mask.dim() > 1 and mask.shape[-1] == 1:
        mask = mask.squeeze(-1)
    if weight.dim() == 1 and mask.numel() == weight.numel():
        mask = mask.flatten()
    if 1 < mask.dim() <= weight.dim() and weight.shape[1] < mask.shape[1]:
        length = weight.shape[1]
        parts = [mask[:, -length:], mask[:, :length]]
        fitting = [part for part in parts if part.shape == weight.shape[: part.dim()] and _decides(part, weight)]
        mask = next(iter(fitting), parts[0])
    fits = mask.shape == weight.shape[: mask.dim()] and bool(mask.any()) and not bool(mask.all())
    return mask if fits else None


def _decides(mask: torch.Tensor, weight: torch.Tensor) -> bool:
    """Whether what counts lies on one side of the mask."""
    return not bool(weight[mask].any()) or not bool(weight[~mask].any())


def _filler(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Whether rows (n, ...) are one of a few, and those beside them are not."""
    if len(one) < _FEWEST or len(other) < _FEWEST:
        return False
    few = one.flatten(1).unique(dim=0) if one.dim() > 1 else one.unique()
    if len(few) > 1 and (len(few) > _MOST_FILLERS or len(one) < _EACH * len(few) or not one.is_floating_point()):
        return False
    kinds = other.flatten(1).unique(dim=0) if other.dim() > 1 else other.unique()
    alike = [(other == filler.reshape(other.shape[1:])).reshape(len(other), -1).all(1).float().mean() for filler in few]
    return len(kinds) >= max(_FEWEST_KINDS, 2 * len(few)) and float(sum(alike)) < _RARELY


def _ends(target: torch.Tensor) -> torch.Tensor | None:
    """Mask (N, T) of the ends of sequences of numbers (N, T, ...) that are filled up with zeros; None without.

    Ends differ in length, and every dimension is exactly 0 there, and hardly anywhere else.
    """
    if target.dim() < 3 or target.shape[1] < _SHORTEST or not target.is_floating_point():
        return None
    zero = (target == 0).flatten(2).all(dim=-1)
    ends = zero.flip(1).long().cumprod(dim=1).flip(1).bool()
    lengths = ends.sum(dim=1)
    alone = int(zero.sum()) == int(ends.sum())
    varied = int(lengths.unique().numel()) > 1 and int(lengths.min()) < target.shape[1] // 2
    return ends if alone and varied and int(ends.sum()) >= _FEWEST and bool((lengths > 1).any()) else None
