"""Actions that a policy draws and squashes: what their log-probability is, and what the temperature makes of it.

log pi(tanh(u)) = log p(u) - log(1 - tanh(u)^2), summed over the dimensions (Haarnoja et al., arXiv:1801.01290, app. C).
"""

from __future__ import annotations

import re
from collections import deque
from typing import TYPE_CHECKING, Any

import torch

from runtime_probe.tap.rewards import at_hand

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.record import Rewards

_KEPT = 4
_SOFT = frozenset(("logsigmoid", "softplus"))
_LOGARITHMS = _SOFT | {"log", "log1p"}
_ALIKE = 0.99
"""Correlation of ranks over the draws: of what a logarithm was taken of, with the volume."""
_FEWEST = 12
_CHANCE = re.compile(r"log_?p", re.IGNORECASE)
_GOAL = re.compile(r"target_?ent", re.IGNORECASE)
_EXACT = 1e-3


class Squash:
    """Draws of this iteration whose log-probability was asked for, and what was made of them."""

    def __init__(self, rewards: Rewards) -> None:
        self.rewards = rewards
        self.drawn: deque[torch.Tensor] = deque(maxlen=_KEPT)
        """What was drawn with its gradient, (N, D), and asked for its log-probability."""
        self.squashed: deque[torch.Tensor] = deque(maxlen=_KEPT)
        """What went through tanh."""
        self.corrected = False

    def note_log_probability(self, value: torch.Tensor) -> None:
        """A log-probability of a draw, with its gradient."""
        self.drawn.append(value.detach())

    def note(self, name: str, args: Any, result: Any) -> None:
        """An operation of torch: is it the squashing, or the logarithm of its volume?"""
        if not args or not isinstance(args[0], torch.Tensor) or not isinstance(result, torch.Tensor):
            return
        if name == "tanh" and args[0].requires_grad and args[0].dim():
            self.squashed.append(args[0].detach())
        elif name in _LOGARITHMS and not self.corrected:
            before = [value for value in (*self.squashed, *self.drawn) if value.shape == result.shape]
            # 2 * (log(2) - u - softplus(-2 * u)) is the same, and does not cancel.
            volumes = before if name in _SOFT else [-value.abs() for value in before]
            self.corrected = any(_go_together(volume, args[0].detach()) for volume in volumes)

    def end(self) -> None:
        """An iteration is over."""
        same = [d for d in self.drawn for s in self.squashed if d.shape == s.shape and torch.equal(d, s)]
        if same:
            self.rewards.squash_corrected = self.corrected
        self.drawn.clear()
        self.squashed.clear()


def _go_together(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Whether one is high where the other is, or low: 1 - tanh(u)^2 is where u is far from 0."""
    if a.numel() < _FEWEST:
        return False
    ranks = torch.stack([x.double().flatten().argsort().argsort().double() for x in (a, b)])
    return abs(float(torch.corrcoef(ranks)[0, 1])) > _ALIKE


def temperature(parameters: Iterable[torch.Tensor]) -> str:
    """Say how the temperature of the entropy is trained: "kept" to its target, "reversed", or empty for not known.

    The loss of SAC is -alpha * (log pi + target), alpha or its logarithm being trained; its gradient says which sign
    it has, the script's variables what the target is.

    Args:
        parameters: What optimizers train, with gradients.
    """
    ones = [p for p in parameters if p.numel() == 1 and p.grad is not None and float(p.grad)]
    goals, means = set(), set()
    for name, value in at_hand() if ones else ():
        if _GOAL.search(name) and isinstance(value, (int, float)):
            goals.add(float(value))
        elif _CHANCE.search(name) and isinstance(value, torch.Tensor) and value.numel() >= _FEWEST:
            means.add(float(value.detach().double().mean()))
    for parameter in ones:
        gradient = float(parameter.grad) if parameter.grad is not None else 0.0
        for factor in (1.0, float(parameter.detach().exp())):
            for wanted in (factor * (mean + goal) for mean in means for goal in goals):
                if abs(abs(gradient) - abs(wanted)) < _EXACT * abs(wanted):
                    return "kept" if gradient * wanted < 0 else "reversed"
    return ""
