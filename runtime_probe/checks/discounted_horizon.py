"""RL: what the discount leaves of a reward at the end of an episode."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Check, Outcome, number, passed, skipped, warned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record

_LONG = 5
"""Steps of an episode; in a bandit there is nothing ahead."""


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Compute gamma ** horizon; it matters where the reward comes late."""
    rewards = record.rewards
    horizon = rewards.limit or rewards.longest
    if family.name != "reinforcement learning" or not 0 < (rewards.gamma or 0.0) <= 1 or horizon <= 0:
        yield skipped("no discount or no episode was seen")
        return
    gamma = rewards.gamma or 0.0
    left = gamma**horizon
    dense = rewards.count >= t.REWARD_COUNT and rewards.nonzero > 0.5 * rewards.count
    numbers: dict[str, Any] = {"gamma": gamma, "horizon": horizon, "left": left}
    message = (
        f"{rewards.gamma_name or 'gamma'} = {gamma:g} over {horizon} steps leaves {number(left)} of a reward at the end"
    )
    if gamma < t.SHORT_SIGHTED and rewards.longest > _LONG:
        yield warned(
            f"{rewards.gamma_name or 'gamma'} = {gamma:g}: a reward two steps ahead counts for {number(gamma**2)}",
            f"a discount is near 1 as a rule: is {number(1 - gamma)} meant?",
            **numbers,
        )
    elif left < t.DISCOUNTED and not dense:
        yield warned(message, "raise gamma toward 1 - 1/horizon, shorten the episode, or shape the reward", **numbers)
    else:
        yield passed(message + ("; but rewards come all the way" if left < t.DISCOUNTED else ""), **numbers)


CHECK = Check(
    id="reward-discounted-away",
    title="Discount against episode length",
    step=7,
    seed="a reward of 1.0 for success combined with an episode length of 500 steps and discount 0.99 means the"
    " discounted value at step 0 is only 0.99^500 = 0.007",
    why="A success that is paid at the end reaches the first decisions through the discount; at a hundredth it is lost"
    " in the noise of the value estimate.",
    run=run,
)
