"""Observations that a policy acted on, and those that it is trained on beside the same actions.

A rollout asks the model without gradients, steps the environments, and asks again; the state after the last step is
asked for its value, and nobody acts on it. What is trained on is what was acted on, in whatever minibatches.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import torch

_MOST, _TABLE = 2_000_000, 2
"""Numbers that are kept; dimensions of observations (N, D)."""
_STEPS, _EXPECTED, _KNOWN = 4, 8, 0.8
"""Calls of a rollout, rows of each that are expected among those of training, and share of these that were seen."""
_SHAPES, _PAIRS = 8, 4_000_000
"""Shapes of calls that are kept apart, and pairs of rows that are compared."""
_DISTINCT = 0.9
"""Share of the observations of a rollout that occur in one call only."""
_NEAR, _FEW = 0.25, 0.2
"""Distance of two scalings of one observation, over that of two steps; share of a step's rows that is none."""


@dataclass(slots=True)
class _Asked:
    """One call without gradients."""

    observations: torch.Tensor
    acted: bool = False
    """An environment has stepped since."""
    trained: int = 0
    """Rows of it that were trained on."""


@dataclass(slots=True)
class Acting:
    """The calls without gradients since the last update."""

    calls: dict[torch.Size, list[_Asked]] = field(default_factory=dict)
    """By shape: those of all environments, and those of a few whose episode has ended."""
    rows: dict[bytes, int] = field(default_factory=dict)
    """By the bytes of an observation: the last call that held it."""
    training: int = 0
    """Rows that were trained on since."""

    def note(self, observations: torch.Tensor) -> None:
        """A model was asked without gradients."""
        if self.training:
            self.calls, self.rows, self.training = {}, {}, 0
        if observations.dim() != _TABLE or not observations.is_floating_point():
            return
        kept = observations.detach().float().cpu().clone()
        if kept.shape not in self.calls and len(self.calls) >= _SHAPES:
            return
        calls = self.calls.setdefault(kept.shape, [])
        # An actor and a critic are asked one after the other.
        again = bool(calls) and torch.equal(calls[-1].observations, kept)
        if not again and (len(calls) + 1) * kept.numel() <= _MOST:
            calls.append(_Asked(kept))

    def note_step(self) -> None:
        """An environment has stepped."""
        for calls in self.calls.values():
            calls[-1].acted = True

    def one_late(self, observations: torch.Tensor) -> bool:
        """Whether a model is trained on what came after the actions: on what it never acted on, and not on the first.

        Args:
            observations: (..., D) of this call; those of earlier calls count as well.
        """
        alike = [calls for shape, calls in self.calls.items() if shape[1:] == observations.shape[-1:]]
        calls = max(alike, key=lambda calls: len(calls) * len(calls[0].observations), default=[])
        if len(calls) < _STEPS or observations.numel() > _MOST:
            return False
        if not self.rows:
            for step, call in enumerate(calls):
                self.rows.update((row.tobytes(), step) for row in call.observations.numpy())
        if len(self.rows) < _DISTINCT * len(calls) * len(calls[0].observations):
            return False  # batches of a buffer have samples in common
        given = observations.detach().float().cpu().flatten(0, -2)
        self.training += len(given)
        places = [self.rows.get(row.tobytes()) for row in given.numpy()]
        if all(place is None for place in places):
            places = _nearest(given, [call.observations for call in calls])
        for place in places:
            if place is not None:
                calls[place].trained += 1
        found = sum(call.trained for call in calls)
        used = [step for step, call in enumerate(calls) if call.trained * len(calls) > _FEW * found]
        if found < max(_KNOWN * self.training, _EXPECTED * len(used)) or not used or not used[0]:
            return False
        unacted = sum(calls[step].trained for step in used if not calls[step].acted)
        return calls[used[0] - 1].acted and 2 * unacted * len(used) > found


def _nearest(given: torch.Tensor, calls: list[torch.Tensor]) -> list[int | None]:
    """Number of the call that holds each row (M, D), where running statistics have scaled it otherwise in between."""
    rows = torch.cat(calls)
    if len(rows) * len(given) > _PAIRS:
        return []
    moved = torch.stack([(b - a).norm(dim=1).median() for a, b in pairwise(calls)]).median()
    distance, place = torch.cdist(given, rows).min(dim=1)
    return [int(p) // len(calls[0]) if d < _NEAR * moved else None for d, p in zip(distance, place, strict=True)]
