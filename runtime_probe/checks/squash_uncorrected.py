"""RL: actions that are squashed by tanh, with the log-probability of what they were before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe.checks.base import Check, Outcome, passed, skipped, warned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Look whether the volume of the squashing was taken off."""
    corrected = record.rewards.squash_corrected
    if corrected is None or family.name != "reinforcement learning":
        yield skipped("no policy was seen that draws actions, squashes them and trains on their log-probability")
    elif corrected:
        yield passed("log-probabilities are those of the squashed actions")
    else:
        yield warned(
            "log-probabilities are those of the actions before tanh: the entropy that the policy is trained for has"
            " nothing to do with that of its actions, and grows without end",
            "log_prob -= torch.log(1 - action.pow(2) + 1e-6), before the sum over the dimensions",
        )


CHECK = Check(
    id="squash-uncorrected",
    title="Log-probability of squashed actions",
    step=7,
    seed="",
    why="tanh presses much of the line into its ends, and the density of an action grows by as much: log pi(a) ="
    " log p(u) - log(1 - tanh(u)^2) (Haarnoja et al., arXiv:1801.01290, app. C). Without that, a wide u counts as"
    " exploration while every action is at its limit.",
    run=run,
)
