"""RL: returns that run through the ends of episodes, backwards in time, or without a discount."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Check, Outcome, number, passed, skipped, warned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record, ReturnsRecord


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Judge what was fitted to the returns of a rollout, and whether ends were read at all."""
    rewards = record.rewards
    made = None if rewards.stored_whole else rewards.returns  # rewards that were cut off fit by chance
    where = record.optimizers[0].where if record.optimizers else None
    if rewards.ends_unread:
        yield warned(
            f"{rewards.ends_unread} is sampled and never read: values look beyond the ends of episodes",
            "target = reward + gamma * (1 - ended) * next_value",
            where,
        )
    elif rewards.backup is not None and rewards.backup.mask == "ignored":
        yield warned(
            "targets hold values of what comes after the ends of episodes, too",
            "target = reward + gamma * (1 - ended) * next_value",
            where,
        )
    if made is None or made.bare:
        if not rewards.ends_unread and (rewards.backup is None or not rewards.backup.mask):
            yield skipped("no returns were seen whose making could be told from rewards and values")
        return
    wrong = list(_wrong(made, rewards.gamma))
    for message, remedy in wrong:
        yield warned(message, remedy, where, discount=made.discount)
    if not wrong:
        yield passed(f"returns are sums of what followed, discounted by {number(made.discount)}")


def _wrong(made: ReturnsRecord, gamma: float | None) -> Iterable[tuple[str, str]]:
    if not made.later:
        yield (
            "returns are made of the step before, not of the step after: what an action led to is not in them",
            "go through the steps in reversed order",
        )
    if made.reversed:
        yield (
            "returns stand in reversed order beside their rewards: the first step has the return of the last one",
            "returns.insert(0, total) while going backwards, or returns.reverse() after it",
        )
    if made.ends_ignored:
        yield (
            "returns run through the ends of episodes: the last steps of one are credited with the next one's rewards",
            "multiply what is taken of the next step by 1 - done",
        )
    if abs(made.of_the_same) > t.OF_THE_SAME_STEP:
        yield (
            f"returns hold {number(made.of_the_same)} of the value of the same step, where that of the next belongs",
            "delta = reward + gamma * value_of_next - value",
        )
    elif made.later and gamma is not None and gamma < t.UNDISCOUNTED < made.discount:
        yield (
            f"returns are not discounted, and gamma is {number(gamma)}",
            "multiply what is taken of the next step by gamma",
        )


CHECK = Check(
    id="returns-misbuilt",
    title="Returns belong to their episodes",
    step=7,
    seed="The policy sees no useful gradient through the discount",
    why="A return is what followed in the same episode. Summed on beyond its end, or from the wrong side, it credits"
    " actions with what others did; the critic fits it all the same, and its loss falls (Schulman et al.,"
    " arXiv:1506.02438).",
    run=run,
)
