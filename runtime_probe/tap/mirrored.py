"""Pictures that the script itself flips or turns between the batch and the model, and targets that stay.

What the model is given is compared with the part of the batch that it came from, sample by sample. Of the targets
nothing may be the same function of what the batch holds for flipped samples as for the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from runtime_probe.tap.augmentations import TURNS, entry_of, turned, views
from runtime_probe.tap.parts import batch_of, parts_of
from runtime_probe.tap.statistics import MOST_ANSWERED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.record import Augmentation
    from runtime_probe.tap.session import Session

_MOST_ROWS = 16
_ROUNDING = 1e-4


class Mirrored:
    """Finds out, for one iteration, which samples the script has turned, and whether targets were changed with them."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.turns: dict[str, dict[int, str]] = {}
        """Of each part of the batch that holds pictures: what was done to which sample; empty for nothing."""
        self.known: dict[tuple[str, str], Augmentation] = {}

    def note_call(self, given: Iterable[tuple[str, torch.Tensor]]) -> None:
        """An outermost module has returned; what it was given may be pictures of the batch, changed."""
        parts = self.session.parts
        for _, tensor in given:
            if not tensor.is_floating_point() or tensor.numel() > MOST_ANSWERED:
                continue
            for original in parts.handed_out:
                names = parts_of(original)
                same = original.shape == tensor.shape and batch_of(original) == batch_of(tensor)
                if same and original is not tensor and names <= parts_of(tensor):
                    for before, after in zip(views(original), views(tensor.detach()), strict=False):
                        turns = {row: _turn(before[row], after[row]) for row in range(min(len(before), _MOST_ROWS))}
                        if any(turns.values()):
                            self.turns["".join(names)] = turns

    def note_loss(self, loss: object) -> None:
        """A backward pass of a loss is over: which parts did it compare with?"""
        parts = self.session.parts
        for name, turns in self.turns.items():
            flipped = [row for row, turn in turns.items() if turn]
            for original in parts.handed_out if flipped else []:
                target = "".join(parts_of(original))
                compared = target in parts_of(loss) and target not in parts.given | self.turns.keys()
                if compared and len(original) >= max(turns) + 1 and original.dtype != torch.bool:
                    made = [t for t, of in parts.made if target in of and t.shape == original.shape]
                    self._note(name, target, turns, original, made)
        self.turns = {}

    def _note(
        self, name: str, target: str, turns: dict[int, str], original: torch.Tensor, made: list[torch.Tensor]
    ) -> None:
        entry = entry_of(self.known, name, target, next(filter(None, turns.values())), original[0])
        flipped = [row for row, turn in turns.items() if turn]
        kept = [row for row, turn in turns.items() if not turn]
        moved = any(
            _turned_too(t, original, turns) if entry.spatial else not _alike(t, original, flipped, kept) for t in made
        )
        entry.pairs += len(flipped)
        entry.unmoved += 0 if moved else len(flipped)

    def found(self) -> list[Augmentation]:
        """Return what was done to each part, and to each target beside it."""
        return list(self.known.values())


def _turn(original: torch.Tensor, given: torch.Tensor) -> str:
    """What was done to a picture (C, H, W), in its colours or, where these change places, in grey."""
    return turned(original, given) or turned(original.mean(0, keepdim=True), given.mean(0, keepdim=True))


def _turned_too(made: torch.Tensor, original: torch.Tensor, turns: dict[int, str]) -> bool:
    return any(
        torch.equal(made[row], TURNS[turn](original[row])) and not torch.equal(made[row], original[row])
        for row, turn in turns.items()
        if turn and TURNS[turn](original[row]).shape == made[row].shape
    )


def _alike(made: torch.Tensor, original: torch.Tensor, flipped: list[int], kept: list[int]) -> bool:
    """Whether numbers (N, ...) were made of those of the batch by one factor and offset for flipped samples and others.

    Two samples that were not flipped say which for each number; with fewer of them only equality is seen.
    """
    x, y = original.double().reshape(len(original), -1), made.detach().double().reshape(len(made), -1)
    factor, offset = torch.ones_like(x[0]), torch.zeros_like(x[0])
    if len(kept) > 1:
        wide = x[kept].argmax(dim=0), x[kept].argmin(dim=0)
        (x1, y1), (x0, y0) = ((x[kept].gather(0, w[None])[0], y[kept].gather(0, w[None])[0]) for w in wide)
        factor = torch.where(x1 != x0, (y1 - y0) / (x1 - x0), factor)
        offset = y0 - factor * x0
    elif not torch.equal(x[kept], y[kept]):
        return True  # standardized, say: nothing is known
    wanted = x[flipped] * factor + offset
    return bool(((y[flipped] - wanted).abs() <= _ROUNDING * (wanted.abs() + y.abs().max())).all())
