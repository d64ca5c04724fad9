"""A policy gradient with the wrong sign: actions that were followed by high returns become rarer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Check, Outcome, failed, passed, skipped, warned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Judge the correlation of the update of each action's log-probability with the return that followed."""
    lowered = [name for name, up in record.judged_live.items() if up < 0]
    if family.name == "reinforcement learning" and record.judged_live:
        if len(lowered) == len(record.judged_live):
            yield warned(
                f"what one network makes is trained to lower what {lowered[0]} says of it: if that is a value, the"
                " policy looks for the worst action",
                "minimize -critic(state, actor(state)).mean()",
                wants=record.judged_live[lowered[0]],
            )
        else:
            yield passed(f"what is made is trained to raise what {next(iter(record.judged_live))} says of it")
    away = [found for found in record.surrogates if found > 0]
    if family.name == "reinforcement learning" and len(away) > 1 and len(away) == len(record.surrogates):
        yield warned(
            "the loss grows with log-probabilities times advantages: actions that did well become rarer",
            "minimize -(log_prob * advantage).mean(), of PPO -torch.min(...); costs have the other sign",
            record.optimizers[0].where if record.optimizers else None,
            products=len(away),
        )
    found = record.policy_correlations
    where = record.optimizers[0].where if record.optimizers else None
    if not found:
        if not record.judged_live and not record.surrogates:
            yield skipped("no log-probability belongs to one reward")
        return
    shown = ", ".join(f"{value:.2f}" for value in found)
    if len(found) > 1 and max(found) < t.POLICY_REVERSED:
        yield failed(
            "the update makes actions rarer that were followed by high returns: log-probabilities and returns"
            f" correlate by {shown}",
            "minimize -(log_prob * advantage): check the minus sign, the sign of the advantage and maximize=True",
            where,
            correlations=found,
        )
    else:
        yield passed(f"log-probabilities move with the returns (correlation {shown})", where, correlations=found)


CHECK = Check(
    id="policy-gradient-reversed",
    title="Policy gradient",
    step=7,
    seed="RL loss not converging",
    why="The loss of a policy gradient has no sign that means anything, and rises or falls at will. What it does to the"
    " probability of an action can be compared with the return that followed.",
    run=run,
)
