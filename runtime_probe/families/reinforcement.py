"""Losses made from rewards: policy gradients, temporal differences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe.families.base import Family

if TYPE_CHECKING:
    from runtime_probe.record import Record


def recognise(record: Record) -> Family | None:
    """There are environments or rewards, and log-probabilities of actions or a discount."""
    calls, rewards = record.features.calls, record.rewards
    evidence = []
    if not rewards.count and not calls.get("environment"):
        return None
    came = f"{rewards.count} rewards came in" if rewards.count else "a library of environments is loaded"
    if calls.get("log_prob"):
        evidence.append(f"{came}, and the loss uses log_prob of actions")
    if rewards.gamma is not None:
        evidence.append(f"{came}, and there is a discount: {rewards.gamma_name or 'gamma'}={rewards.gamma:g}")
    # A diffusion policy is trained on recorded steps, whatever is loaded to try it out.
    if not evidence or (record.features.time_argument and not calls.get("log_prob")):
        return None
    return Family(
        "reinforcement learning",
        tuple(evidence),
        measures_progress=False,
        question="The loss does not measure progress: look at returns. Is the reward dense enough?",
    )
