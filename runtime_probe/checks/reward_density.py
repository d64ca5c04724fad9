"""RL: rewards that hardly ever come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Check, Outcome, passed, skipped, warned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Count the rewards that are not zero, and how many differ from the rest."""
    rewards = record.rewards
    if family.name != "reinforcement learning" or rewards.count < t.REWARD_COUNT:
        yield skipped(f"{rewards.count} rewards were seen" if rewards.count else "no rewards were seen")
        return
    density = rewards.nonzero / rewards.count
    numbers: dict[str, Any] = {
        "density": density,
        "rewards": rewards.count,
        "minimum": rewards.minimum,
        "maximum": rewards.maximum,
    }
    message = (
        f"{rewards.nonzero} of {rewards.count} rewards are not 0 ({rewards.minimum:.3g} to {rewards.maximum:.3g},"
        f" {rewards.episodes} episodes)"
    )
    if density < t.REWARD_DENSITY:
        yield warned(
            message, "shape the reward: pay partial progress, such as a smaller distance to the goal", **numbers
        )
    else:
        yield passed(message, **numbers)


CHECK = Check(
    id="reward-sparse",
    title="Reward density",
    step=7,
    seed="is the reward dense enough? A sparse reward that fires only at episode completion gives the policy no"
    " gradient signal for the vast majority of its experience.",
    why="Where nothing but zero came in, every action looked alike.",
    run=run,
)
