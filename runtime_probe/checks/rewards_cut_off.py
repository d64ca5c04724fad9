"""Rewards that a buffer keeps as whole numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe.checks.base import Check, Outcome, failed, passed, skipped

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Compare what the environment gives with the type of what keeps it."""
    rewards = record.rewards
    if not rewards.count:
        yield skipped("no environment")
    elif rewards.stored_whole and rewards.fractions:
        yield failed(
            f"{rewards.stored_whole} keeps rewards as whole numbers, and {rewards.fractions} of {rewards.count} rewards"
            " are none: what is behind the point is cut off",
            "keep rewards as float32",
            fractions=rewards.fractions,
        )
    else:
        yield passed("rewards are kept as they come")


CHECK = Check(
    id="rewards-cut-off",
    title="Rewards are kept as they come",
    step=7,
    seed="RL loss not converging",
    why="An array of whole numbers takes -0.05 and keeps 0, without a word. A shaped reward is then none at all.",
    run=run,
)
