"""Units that start alike and stay alike: weights initialized with one constant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe.checks.base import Check, Outcome, failed, names, passed, skipped
from runtime_probe.checks.layers import trained

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Report the weights whose rows are equal after ten updates."""
    held = [p for p in trained(record) if len(p.shape) > 1 and p.shape[0] > 1]
    alike = [p.name for p in held if p.alike and p.gradients and p.moved > 0]
    still = [p.name for p in held if p.alike and p.norm > 0]
    zero = [p.name for p in held if p.alike and p.norm == 0]
    if len(zero) > 1 and 2 * len(zero) >= len(held):
        yield failed(
            f"the weights of {names(zero)} are zero and stay zero",
            "initialize weights at random (the default of torch does), only biases with a constant",
            parameters=zero,
        )
    elif not alike and len(still) > 1 and 2 * len(still) >= len(held):
        yield failed(
            f"all units of {names(still)} have the same weights, and no gradient that tells them apart",
            "initialize weights at random (the default of torch does), only biases with a constant",
            parameters=still,
        )
    elif alike:
        yield failed(
            f"all units of {names(alike)} have the same weights, and each update changes them alike",
            "initialize weights at random (the default of torch does), only biases with a constant",
            parameters=alike,
        )
    elif held:
        yield passed(f"the units of {len(held)} layers differ")
    else:
        yield skipped("no layer with a weight matrix is trained")


CHECK = Check(
    id="units-alike",
    title="Units of a layer differ",
    step=4,
    seed="a badly initialized weight matrix",
    why="Units with equal weights get equal gradients, so they stay equal: a thousand of them are worth one. A layer"
    " that starts at zero and gets a gradient for each unit is different after one step.",
    run=run,
)
