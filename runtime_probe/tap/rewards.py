"""Rewards that lie beside a target, by the names that scripts give them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import torch

from runtime_probe.tap.places import user_frames

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

REWARDS = frozenset(("reward", "rewards", "batch_rewards", "b_rewards", "reward_batch", "rew"))
"""What scripts call them."""
_NAME = "rew"
_FEWEST, _MOST = 8, 100_000
ENDS = re.compile(r"done|termin|(^|_)ended|finished|stopped|crash|fell", re.IGNORECASE)
"""What scripts call the ends of episodes."""
_VARIED = 4
"""Different rewards; where there are but 0 and 1 a value may well be one of them."""


def reward_share(target: torch.Tensor) -> float | None:
    """Return the share of values of a target that are the reward of the same sample; None where none is at hand.

    Args:
        target: (N), (N, 1) or (T, N), what a value function is compared with.
    """
    if not _FEWEST <= target.numel() <= _MOST or not target.is_floating_point():
        return None
    values = target.detach().flatten()
    for name, value in at_hand():
        if _NAME in name.lower() and isinstance(value, torch.Tensor) and value.numel() == target.numel():
            rewards = value.detach().flatten().to(values)
            if len(rewards.unique()) >= _VARIED:
                return float((rewards == values).double().mean())
    return None


def unread_ends(target: torch.Tensor, read: Container[int]) -> str:
    """Name the ends of episodes that lie beside a target (N) or (N, 1), and that no operation was ever given.

    Args:
        target: What a value function is compared with.
        read: Ids of the tensors that operations were given.
    """
    if not _FEWEST <= target.numel() <= _MOST or not target.is_floating_point():
        return ""
    found = ""
    for name, value in at_hand():
        if isinstance(value, torch.Tensor) and value.numel() == target.numel() and ENDS.search(name):
            if id(value) in read or not bool(((value == 0) | (value == 1)).all()):
                return ""
            found = found or name
    return found


def is_whole(value: Any) -> bool:
    """Whether an array is of a type of whole numbers."""
    return "int" in str(getattr(value, "dtype", "")) and bool(getattr(value, "ndim", False))


def at_hand() -> Iterator[tuple[str, Any]]:
    """Variables of the functions that are running, and what dictionaries and objects among them hold, with names."""
    for frame in user_frames(3):
        for name, value in list(frame.f_locals.items()):
            yield name, value
            if isinstance(value, dict):
                yield from ((str(key), item) for key, item in value.items())
            elif hasattr(value, "_fields"):
                yield from zip(value._fields, value, strict=False)
            elif hasattr(value, "__dict__") and not isinstance(value, torch.nn.Module):
                yield from vars(value).items()
