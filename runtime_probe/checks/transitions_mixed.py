"""RL: parts of a transition that are not those of one step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Check, Outcome, number, passed, skipped, warned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record

_CALLED = {
    "observation": "the observations",
    "action": "the actions",
    "reward": "the rewards",
    "following": "the next observations",
}


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Compare what is trained on with what environments were given, and gave back."""
    found = record.rewards.transitions
    if found is None:
        yield skipped("no batch was seen whose rows could be told from the steps of an environment")
        return
    link = _CALLED.get(found.by, found.by)
    if found.odd > 1:
        yield warned(
            f"{found.odd} of {found.rows} rows hold an action that the environment was not given, the others do",
            "store the action that was taken, with its noise: env.step(action), buffer.add(obs, action, ...)",
            odd=found.odd,
        )
    for part, agreement in found.agreement.items():
        if agreement < t.OF_ONE_STEP:
            yield warned(
                f"{_CALLED.get(part, part)} in {found.rows} rows of the batch are not those of the steps that {link}"
                f" beside them are of (they agree by {number(agreement)})",
                "store (obs, action, reward, next_obs) of one step together, as the environment was given it, and draw"
                " one index for all of them",
                agreement=agreement,
            )
        else:
            yield passed(f"{_CALLED.get(part, part)} are those of {link} beside them", agreement=agreement)


CHECK = Check(
    id="transitions-mixed",
    title="Transitions are of one step",
    step=7,
    seed="",
    why="A critic learns what an action led to. With the action of another step, or the one that was meant and not the"
    " one that was taken, its targets are right numbers at wrong places: the loss falls to their mean.",
    run=run,
)
