"""Next-token prediction that sees the next token: a missing causal mask."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Check, Outcome, failed, number, passed, skipped

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Judge the movement of earlier outputs after the last time step was changed."""
    if record.copies.answered:
        yield failed(
            f"{record.copies.answered} is among the inputs, number by number: to copy it is enough",
            "leave out of the inputs what is to be predicted: the action of this step is not known when it is chosen",
        )
        return
    own = [leak for leak in record.experiments.leakage if leak.kind == "own target"]
    for leak in own:
        if leak.moved > t.LEAKAGE:
            yield failed(
                f"{leak.model}: the output at a time step depends on {leak.detail} of the same step, with which it is"
                " compared",
                "predict it from what comes before it: from the token of the state, not from its own",
                moved=leak.moved,
            )
        else:
            yield passed(f"{leak.model}: no output depends on {leak.detail} of its own step", moved=leak.moved)
    tried = [leak for leak in record.experiments.leakage if leak.kind == "time"]
    if own and not tried:
        return
    if not tried:
        yield skipped("changing the last time step was not tried")
        return
    if not record.features.targets_are_shifted:
        # A model that labels, denoises or plans whole sequences may look at all of them.
        yield skipped("the targets are not the inputs, one position on", moved=max(leak.moved for leak in tried))
        return
    for leak in tried:
        if leak.moved > t.LEAKAGE:
            yield failed(
                f"{leak.model}: changing the last token moves earlier outputs by {number(leak.moved)} of its own",
                "give the attention a causal mask (is_causal=True)",
                moved=leak.moved,
            )
        else:
            yield passed(f"{leak.model}: changing the last token moves no earlier output", moved=leak.moved)


CHECK = Check(
    id="future-leaks",
    title="No look into the future",
    step=7,
    seed="there is a fundamental problem with the forward pass or loss computation",
    why="A model that sees the next token copies it: the loss falls to nothing, and so does what it has learned.",
    run=run,
)
