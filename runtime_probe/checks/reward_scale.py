"""RL: rewards in a unit that losses and learning rates do not expect."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Check, Outcome, number, passed, skipped, warned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Judge the largest reward that was seen."""
    rewards = record.rewards
    if family.name != "reinforcement learning" or rewards.nonzero < t.REWARD_COUNT:
        yield skipped("too few rewards were seen")
        return
    largest = max(abs(rewards.minimum), abs(rewards.maximum))
    message = f"{rewards.count} rewards from {number(rewards.minimum)} to {number(rewards.maximum)}"
    if t.REWARD_SMALL <= largest <= t.REWARD_LARGE:
        yield passed(message, largest=largest)
    else:
        yield warned(
            message,
            "scale rewards to about 1 (divide by a constant, or by the running std of returns), or scale the loss",
            largest=largest,
        )


CHECK = Check(
    id="reward-scale",
    title="Reward scale",
    step=7,
    seed="Also check reward scale",
    why="Values are sums of rewards: their error, the gradient and what a learning rate means follow the unit of the"
    " reward. Entropy terms and clipping ranges do not.",
    run=run,
)
