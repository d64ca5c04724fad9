"""Entropy of a policy that the loss makes small."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Check, Outcome, failed, number, passed, skipped

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Look at the sign of the entropy in the loss."""
    backup = record.rewards.backup
    if backup is not None and backup.entropy > t.NO_ENTROPY:
        yield failed(
            f"targets of the critic hold {number(backup.entropy)} times the log-probability of the next action: what is"
            " certain is rewarded, exploration is punished",
            "target = reward + gamma * (1 - ended) * (next_q - alpha * next_log_prob)",
            coefficient=backup.entropy,
        )
        return
    if record.rewards.temperature == "reversed":
        yield failed(
            "the temperature falls while the policy has less entropy than its target, and grows while it has more",
            "alpha_loss = -(log_alpha * (log_prob + target_entropy).detach()).mean()",
        )
        return
    found = [gradient for gradient in record.features.entropy_gradients if gradient]
    if family.name != "reinforcement learning" or not found:
        yield skipped("no loss of a policy holds its entropy")
    elif min(found) > 0:
        yield failed(
            f"the loss grows with the entropy of the policy (by {number(found[0])} for each unit), so that exploration"
            " is punished",
            "subtract the entropy: loss = policy_loss + 0.5 * value_loss - 0.01 * entropy.mean()",
            gradient=found[0],
        )
    else:
        yield passed("the entropy of the policy is to grow", gradient=found[0])


CHECK = Check(
    id="entropy-punished",
    title="Sign of the entropy",
    step=7,
    seed="",
    why="The bonus for entropy keeps a policy trying. With the other sign it settles on what it happens to do first and"
    " samples nothing else any more (Mnih et al., arXiv:1602.01783, section 4).",
    run=run,
)
