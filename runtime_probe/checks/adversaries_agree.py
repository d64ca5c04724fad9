"""GAN: a generator that helps its discriminator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe.checks.base import Check, Outcome, failed, passed, skipped

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Compare what both want of the discriminator's answer to what was generated."""
    judged = [name for name in record.judged_copies if name in record.judged_live]
    if family.name != "adversarial" or not judged:
        yield skipped("no network was seen that judges what another one makes, once to train itself and once the other")
        return
    for name in judged:
        own, other = record.judged_copies[name], record.judged_live[name]
        if own * other > 0:
            yield failed(
                f"both losses push {name}'s answer to generated samples {'up' if own > 0 else 'down'}",
                "look at the labels and the signs: the discriminator calls generated samples false, the generator wants"
                " them called true",
                discriminator=own,
                generator=other,
            )
        else:
            yield passed(f"{name} and what it judges pull against each other", discriminator=own, generator=other)


CHECK = Check(
    id="adversaries-agree",
    title="Adversaries disagree",
    step=7,
    seed="",
    why="In a GAN one side's gain is the other's loss. With swapped labels or a wrong sign both agree, both losses"
    " fall, and what is generated has nothing to do with the data.",
    run=run,
)
