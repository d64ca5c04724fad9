"""A loss of directions, for targets that have lengths."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe.checks.base import Check, Outcome, passed, skipped, warned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Ask whether the loss says anything about how long an output is."""
    where = record.features.only_turned
    if where is not None:
        yield warned(
            "the loss knows the direction of an output and not its length, and the lengths of its targets differ",
            "add an error of the length, or take a squared error; a cosine suits targets of length 1",
            where,
        )
    elif record.pulls:
        yield passed("the loss says how large outputs are to be")
    else:
        yield skipped("no output of a model was compared with numbers of the batch")


CHECK = Check(
    id="length-not-learnt",
    title="Lengths are learnt",
    step=7,
    seed="",
    why="A cosine is the same for an action and for one ten times as large. Its loss falls to 0 all the same, and the"
    " robot moves the right way, by any distance.",
    run=run,
)
