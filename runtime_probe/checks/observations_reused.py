"""RL: observations that are others by the time they are trained on: changed in place, or those of the next step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe.checks.base import Check, Outcome, passed, skipped, warned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Report observations that change after they were handed out, and those that are not what was acted on."""
    rewards = record.rewards
    if record.copies.still:
        yield warned(
            f"no step of the histories in {record.copies.still} differs from the first: one array is kept many times",
            "keep a copy of each observation: history.append(obs.copy())",
        )
    elif rewards.reused:
        yield warned(
            "step() returns the same array each time, changed in place: whoever keeps an observation until after the"
            " next step keeps the next one",
            "return self.state.copy(), or copy each observation before the next step",
        )
    elif rewards.next_stored and rewards.backup is None:  # what a buffer gave is no rollout
        yield warned(
            "the policy is trained on the observations that came after its actions: the first one that it acted on is"
            " not among them, the last one is",
            "store the observation before the step, and the action that answered it: obs = next_obs comes last",
        )
    elif rewards.count:
        yield passed("each observation is an array of its own")
    else:
        yield skipped("no environment was seen")


CHECK = Check(
    id="observations-reused",
    title="Observations stay what they were",
    step=7,
    seed="",
    why="A transition is stored after the step. If the array of the observation was changed by it, state and next state"
    " are the same, and what an action does cannot be learnt from them.",
    run=run,
)
