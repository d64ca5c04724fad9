"""RL: targets of a value function that are nothing but rewards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Check, Outcome, passed, skipped, warned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Compare targets with the rewards that came, where episodes are longer than a step."""
    rewards = record.rewards
    if rewards.backup is not None and rewards.backup.mask == "inverted":
        yield warned(
            "targets hold the value of the next state where an episode ends, and nowhere else",
            "target = reward + gamma * (1 - ended) * next_value",
        )
        return
    if rewards.returns is not None and rewards.returns.bare:
        yield warned(
            "returns are the rewards of their own steps: nothing of what follows in the same episode is in them",
            "delta = reward + gamma * (1 - ended) * next_value - value: look at the mask of ended episodes",
            record.optimizers[0].where if record.optimizers else None,
        )
        return
    asked = [call for call in record.loss_calls if call.reward_share is not None]
    short = rewards.episodes >= t.EPISODES_OF_ONE_STEP * rewards.count
    if not asked or short:
        yield skipped("no loss was seen whose targets could be told from rewards")
        return
    call = max(asked, key=lambda call: call.reward_share or 0.0)
    share = call.reward_share or 0.0
    if share >= t.ONLY_REWARDS:
        yield warned(
            f"{share:.0%} of the targets at {call.function} are rewards as they came: the value of what follows is not"
            " in them",
            "target = reward + gamma * (1 - ended) * next_value: look at the mask of ended episodes, and at gamma",
            call.where,
            share=share,
        )
    else:
        yield passed(f"{share:.0%} of the targets at {call.function} are bare rewards", call.where)


CHECK = Check(
    id="values-without-future",
    title="Values look ahead",
    step=7,
    seed="The policy sees no useful gradient through the discount",
    why="With the mask of ended episodes the wrong way round only the last step of an episode looks ahead, to where"
    " nothing is. The loss falls, and the policy is greedy for the next reward.",
    run=run,
)
