"""Observations that a policy acted on, and those that it is trained on beside the same actions.

A rollout asks the model without gradients, steps the environments, and asks again; the state after the last step is
asked for its value, and nobody acts on it. What is trained on is what was acted on, in whatever minibatches.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch

_MOST, _TABLE = 2_000_000, 2
"""Numbers that are kept; dimensions of observations (N, D)."""
_STEPS, _EXPECTED, _KNOWN = 4, 8, 0.8
"""Calls of a rollout, rows of each that are expected among those of training, and share of these that were seen."""


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

    calls: list[_Asked] = field(default_factory=list)
    rows: dict[bytes, int] = field(default_factory=dict)
    """By the bytes of an observation: the last call that held it."""
    training: int = 0
    """Rows that were trained on since."""

    def note(self, observations: torch.Tensor) -> None:
        """A model was asked without gradients."""
        if self.training:
            self.calls, self.rows, self.training = [], {}, 0
        if observations.dim() != _TABLE or not observations.is_floating_point():
            return
        kept = observations.detach().float().cpu().clone()
        if self.calls and self.calls[-1].observations.shape != kept.shape:
            self.calls = []
        # An actor and a critic are asked one after the other.
        again = bool(self.calls) and torch.equal(self.calls[-1].observations, kept)
        if not again and (len(self.calls) + 1) * kept.numel() <= _MOST:
            self.calls.append(_Asked(kept))

    def note_step(self) -> None:
        """An environment has stepped."""
        if self.calls:
            self.calls[-1].acted = True

    def one_late(self, observations: torch.Tensor) -> bool:
        """Whether a model is trained on what came after the actions: on what it never acted on, and not on the first.

        Args:
            observations: (..., D) of this call; those of earlier calls count as well.
        """
        fits = len(self.calls) >= _STEPS and observations.shape[-1:] == self.calls[0].observations.shape[1:]
        if not fits or observations.numel() > _MOST:
            return False
        if not self.rows:
            for step, call in enumerate(self.calls):
                self.rows.update((row.tobytes(), step) for row in call.observations.numpy())
        given = observations.detach().float().cpu().flatten(0, -2).numpy()
        self.training += len(given)
        for row in given:
            if (place := self.rows.get(row.tobytes())) is not None:
                self.calls[place].trained += 1
        used = [step for step, call in enumerate(self.calls) if call.trained]
        found = sum(self.calls[step].trained for step in used)
        if found < max(_KNOWN * self.training, _EXPECTED * len(used)) or not used[0]:
            return False
        unacted = sum(self.calls[step].trained for step in used if not self.calls[step].acted)
        return self.calls[used[0] - 1].acted and 2 * unacted * len(used) > found
