"""Labels that belong to the sample before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Check, Outcome, number, passed, skipped, warned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Compare how well the samples before, the same and after predict a target."""
    for relation in record.relations:
        before, same, after = relation.before, relation.same, relation.after
        numbers: dict[str, Any] = {"before": before, "same": same, "after": after}
        if before < t.LATE * min(same, after) and before < t.LATE_EXPLAINED:
            yield warned(
                f"{relation.part} fits the inputs of the sample before: a linear fit leaves {before:.0%} of it open,"
                f" and {same:.0%} with its own",
                "pair what was observed with the action that answered it: labels seem to be one step late",
                **numbers,
            )
        else:
            yield passed(f"{relation.part}: a linear fit leaves {number(same)} of it open, {number(before)} with the"
                         " sample before", **numbers)  # fmt: skip
    if not record.relations:
        yield skipped("the data set was not read: no map-style loader, too few or too slow samples, or no target in it")


CHECK = Check(
    id="targets-late",
    title="Targets are of their moment",
    step=2,
    seed="check for label noise. A common form of label noise in robot demonstrations is late labeling",
    why="An index that is off by one, or a queue that delays actions, pairs each observation with the action before."
    " The loss falls to what can be guessed, and the robot is always late.",
    run=run,
)
