"""Parameters in the optimizer that never get a gradient: unused, or cut off from the loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe.checks.base import Check, Outcome, failed, names, passed, skipped, warned
from runtime_probe.checks.layers import trained

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record

_AVERAGED = ("target", "teacher", "ema", "momentum")
"""Names of copies that follow another network and are not trained."""


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Tell detached parameters (the loss moves with them) from unused ones."""
    held = trained(record)
    if not held:
        yield skipped("no trainable parameter is held by an optimizer")
        return
    bare = [p for p in held if p.gradients == 0 and len(record.series(p.optimizer or 0)) > 0]
    if len(bare) == len(held):
        yield skipped("no parameter has a gradient; see loss-detached")
        return
    detached = [p for p in bare if p.influences]
    # Several losses may use a model in turns, and a bias in front of a normalization has a gradient of 0 by right.
    if detached:
        averaged = all(any(word in p.name.lower() for word in _AVERAGED) for p in detached)
        say = failed if family.measures_progress and not averaged else warned
        yield say(
            f"{len(detached)} parameters change the loss and get no gradient: {names([p.name for p in detached])}",
            "look for detach(), .data, no_grad() or numpy between them and the loss",
            parameters=[p.name for p in detached],
        )
    unused = [p for p in bare if not p.influences and len(p.shape) >= 2]
    if unused:
        yield warned(
            f"{len(unused)} of {len(held)} parameters get no gradient and do not change the loss:"
            f" {names([p.name for p in unused])}",
            "use the layers in forward() or drop them; if they are used, what comes after them is saturated or dead",
            parameters=[p.name for p in unused],
        )
    if not detached and not unused:
        yield passed(f"all {len(held)}")


CHECK = Check(
    id="parameters-without-gradient",
    title="Every trained parameter has a gradient",
    step=4,
    seed="Check gradient norms per layer.",
    why="A parameter without gradient is either not used or cut off by a detach(). To tell the two apart it is changed,"
    " and the loss is asked again.",
    run=run,
)
