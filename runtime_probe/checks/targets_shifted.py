"""Language models: targets that are the inputs themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe.checks.base import Check, Outcome, failed, passed, skipped, warned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Ask whether targets and inputs are shifted against each other."""
    features = record.features
    if features.targets_are_inputs and features.token_input:
        # A model may shift them itself; if it could not be asked, nobody knows.
        say = failed if record.experiments.leakage else warned
        yield say(
            "the targets are the input tokens, position by position: to copy is enough",
            "shift them by one: x = tokens[:, :-1], y = tokens[:, 1:]",
            next((call.where for call in record.loss_calls if call.classes), None),
        )
    elif features.targets_are_shifted_twice and features.token_input:
        yield failed(
            "the targets are the input tokens, two positions on: they were shifted twice",
            "shift once: models of transformers shift labels themselves, so labels are a copy of the inputs",
            next((call.where for call in record.loss_calls if call.classes), None),
        )
    elif features.targets_lie_behind and features.token_input:
        yield failed(
            "the targets are the input tokens, one position back: what is to be predicted has been seen",
            "shift them the other way: x = tokens[:, :-1], y = tokens[:, 1:]",
            next((call.where for call in record.loss_calls if call.classes), None),
        )
    elif features.targets_are_shifted:
        yield passed("the targets are the inputs, one position on")
    else:
        yield skipped(f"{family.name}: no token is predicted from those before it")


CHECK = Check(
    id="targets-not-shifted",
    title="Targets are one step ahead",
    step=7,
    seed="",
    why="A model that is asked for the token that it sees learns to copy it. Its loss falls to 0, and what it generates"
    " is one token, over and over.",
    run=run,
)
