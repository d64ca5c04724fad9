"""Losses made from rewards: policy gradients, temporal differences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe.families.base import Family

if TYPE_CHECKING:
    from runtime_probe.record import Record


def recognise(record: Record) -> Family | None:
    """An environment is stepped between updates, or rewards and log-probabilities make the loss."""
    calls, rewards = record.features.calls, record.rewards
    evidence = []
    if calls.get("environment"):
        evidence.append(f"an environment was stepped {calls['environment']} times within one update")
    if rewards.count and calls.get("log_prob"):
        evidence.append(f"{rewards.count} rewards came in, and the loss uses log_prob of sampled actions")
    if rewards.count and rewards.gamma is not None:
        evidence.append(
            f"{rewards.count} rewards came in, discounted by {rewards.gamma_name or 'gamma'}={rewards.gamma}"
        )
    if not evidence or (record.features.time_argument and not calls.get("log_prob") and not calls.get("environment")):
        return None
    return Family(
        "reinforcement learning",
        tuple(evidence),
        measures_progress=False,
        question="The loss does not measure progress: look at returns. Is the reward dense enough?",
    )
