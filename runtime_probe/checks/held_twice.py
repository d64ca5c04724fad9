"""Parameters that two optimizers hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe.checks.base import Check, Outcome, failed, passed, skipped, warned
from runtime_probe.checks.descent import descents

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Look for parameters that several optimizers step, and whether they follow the same loss."""
    if not record.optimizers:
        yield skipped("no optimizer was seen")
        return
    twice = [index for index, one in enumerate(record.optimizers) if one.duplicates and record.series(index)]
    if not twice:
        yield passed("each parameter is held once")
        return
    together = any(len(set(descent.optimizers) & set(twice)) > 1 for descent in descents(record))
    held = record.optimizers[twice[0]].duplicates
    where = record.optimizers[twice[-1]].where
    remedy = "give each parameter to one optimizer, or to one group of it"
    if together:
        yield failed(f"two optimizers update the same {held} parameters for the same loss", remedy, where, held=held)
    else:
        # Adversaries and multi-task code share parts of a model on purpose.
        yield warned(f"{held} parameters are held by more than one optimizer or group", remedy, where, held=held)


CHECK = Check(
    id="parameters-held-twice",
    title="Each parameter has one optimizer",
    step=4,
    seed="Check gradient norms per layer.",
    why="Each update of one optimizer is followed by one of the other, with momenta of its own: the learning rate is"
    " that of both together, and no schedule of one of them rules it.",
    run=run,
)
