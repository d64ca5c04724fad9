"""Weights that were drawn far too large, or far too small."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Check, Outcome, failed, names, number, passed, skipped, warned
from runtime_probe.checks.layers import trained

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Look at the gains of linear and convolutional layers before the first update."""
    gains = {p.name: p.gain for p in trained(record) if p.gain}
    if not gains:
        yield skipped("no weight of a linear or convolutional layer was seen before its first update")
        return
    middle, largest = median(gains.values()), max(gains.values())
    remedy = "leave linear layers and convolutions to torch, or take nn.init.kaiming_normal_ or xavier_uniform_"
    if largest > t.INITIAL_GAIN_HIGH:
        high = [name for name, gain in gains.items() if gain > t.INITIAL_GAIN_HIGH]
        # What was loaded is as large as its training made it.
        say = failed if middle > t.INITIAL_GAIN_HIGH and not record.features.loads else warned
        yield say(
            f"{names(high)}: each layer makes its inputs {number(largest)} times as large at the start",
            remedy,
            gain=largest,
            middle=middle,
        )
    elif middle < t.INITIAL_GAIN_TINY:
        yield warned(
            f"the weights of {len(gains)} layers let {number(middle)} of their inputs through, in the middle",
            remedy,
            gain=middle,
            middle=middle,
        )
    else:
        yield passed(f"{len(gains)} layers, gains of {number(min(gains.values()))} to {number(largest)}", middle=middle)


CHECK = Check(
    id="initialization-off-scale",
    title="Weights start at the right scale",
    step=4,
    seed="a badly initialized weight matrix",
    why="A layer of n inputs whose weights have the standard deviation s makes its inputs s * sqrt(n) times as large."
    " At about 1 the signal passes all layers; weights drawn from a normal distribution of 1 give 16 for 256 inputs,"
    " and saturate or drown what follows.",
    run=run,
)
