"""RL: one-step targets that look ahead to the wrong value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Check, Outcome, number, passed, skipped, warned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import BackupRecord, Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Judge what was fitted to the target of a value function."""
    made = record.rewards.backup
    if made is None:
        yield skipped("no target was seen that is a reward and a value of what follows")
        return
    wrong = list(_wrong(made))
    for message, remedy in wrong:
        yield warned(message, remedy, discount=made.discount)
    if not wrong:
        yield passed(f"targets are rewards and {number(made.discount)} of a value", discount=made.discount)


def _wrong(made: BackupRecord) -> Iterable[tuple[str, str]]:
    if made.larger:
        yield (
            "targets hold the larger of what two critics say: whatever one of them overestimates is learnt by both",
            "torch.min(target_q1, target_q2)",
        )
    if made.of_the_same:
        yield (
            "targets hold the value of the observation that they are for, not of the next one",
            "ask the target network for the next observations, and look at what the buffer keeps as those",
        )
    elif made.action_of_the_same:
        yield (
            "targets hold the value of the next observation with the action for the present one",
            "ask the policy for the next observations: next_action = actor(next_obs)",
        )
    elif made.of_the_trained:
        yield (
            "targets hold what the network says that is trained on them; its copy, which stands still, is not asked",
            "take the value of the next state from the target network",
        )
    if made.discount > t.MOST_DISCOUNT:
        yield (
            f"targets hold {number(made.discount)} of the value of the next state: values grow without end",
            "gamma is at most 1, and 0.95 to 0.999 as a rule",
        )


CHECK = Check(
    id="target-value-wrong",
    title="The value that targets look ahead to",
    step=7,
    seed="The policy sees no useful gradient through the discount",
    why="A critic is trained on its own word of the next state. The larger of two overestimates (Fujimoto et al.,"
    " arXiv:1802.09477), the network that is trained chases itself (Mnih et al., 2015), and the value of the same state"
    " says nothing of what an action led to.",
    run=run,
)
