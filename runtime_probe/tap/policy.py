"""Which way a policy gradient points: toward actions with high returns, or away from them."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from runtime_probe.record import Record

_FEWEST = 8
"""Actions of one update; fewer correlate by chance."""
_MOST = 20_000
_USUAL_DISCOUNT = 0.99


class PolicyGradient:
    """Rewards and log-probabilities between two updates, as far as they belong to each other one by one."""

    def __init__(self) -> None:
        self.depth = 0
        """Methods of distributions that are running, one within the other."""
        self.forget()

    def forget(self) -> None:
        """Begin a new update."""
        self.rewards: list[list[float]] = []
        """One list for each step of the environments, one value for each environment."""
        self.ends: list[list[bool]] = []
        self.gradients: list[torch.Tensor | None] = []
        """Of the loss by the log-probabilities, in the order in which these were computed."""

    def note_rewards(self, rewards: Sequence[float], ends: Iterable[Any]) -> None:
        """One step of one environment, or of many."""
        if len(self.rewards) * max(len(rewards), 1) < _MOST:
            self.rewards.append(list(rewards))
            flags = [torch.as_tensor(end).flatten().bool().tolist() for end in ends if not isinstance(end, dict)]
            over = [any(column) for column in zip(*flags, strict=False)]
            self.ends.append(over if len(over) == len(rewards) else [False] * len(rewards))

    def rollout(self) -> tuple[torch.Tensor, torch.Tensor] | None:
        """Return rewards and ends since the last update, (steps, environments); None where their number varies."""
        if not self.rewards or len({len(step) for step in self.rewards}) != 1:
            return None
        return torch.tensor(self.rewards, dtype=torch.float64), torch.tensor(self.ends)

    def note_log_probability(self, value: torch.Tensor) -> None:
        """A log-probability that a loss may use."""
        if len(self.gradients) < _MOST:
            self.gradients.append(None)
            value.register_hook(functools.partial(self._came, len(self.gradients) - 1))

    def _came(self, place: int, gradient: torch.Tensor) -> None:
        if place < len(self.gradients):
            self.gradients[place] = gradient.detach().double().cpu().flatten()

    def end_update(self, record: Record) -> None:
        """An update is over: keep what it did to the policy, where that can be told."""
        found = self.correlation(record.rewards.gamma)
        if found is not None:
            # With maximize=True an optimizer follows the gradient, where others go against it.
            uphill = any(optimizer.maximize for optimizer in record.optimizers)
            record.policy_correlations.append(-found if uphill else found)
        self.forget()

    def correlation(self, discount: float | None) -> float | None:
        """Correlate what the update does to each log-probability with the return that followed; None if not known.

        Near 1 for REINFORCE, lower with a baseline, negative if the update makes good actions rarer.
        """
        given = [g for g in self.gradients if g is not None]
        rewards = [value for step in self.rewards for value in step]
        pushes = -torch.cat(given) if given else torch.empty(0)
        if len(pushes) != len(rewards) or len(pushes) < _FEWEST or len({len(step) for step in self.rewards}) != 1:
            return None
        returns = self._returns(_USUAL_DISCOUNT if discount is None else discount).flatten()
        if not (returns.std() > 0 and pushes.std() > 0):
            return None
        return float(torch.corrcoef(torch.stack([pushes, returns]))[0, 1])

    def _returns(self, discount: float) -> torch.Tensor:
        """Discounted sums of the rewards to come in the same episode, (steps, environments)."""
        returns = torch.tensor(self.rewards, dtype=torch.float64)
        for step in range(len(returns) - 2, -1, -1):
            returns[step] += discount * returns[step + 1] * ~torch.tensor(self.ends[step])
        return returns
