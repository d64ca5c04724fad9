"""Length of updates beside that of the weights: it tells of rates where the loss cannot."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

from runtime_probe import thresholds as t
from runtime_probe.checks.descent import middle

if TYPE_CHECKING:
    from runtime_probe.record import Record

_CHOOSE_THEIR_LENGTH = ("Adadelta", "LBFGS", "Rprop", "Prodigy")
_ELEMENTS = 100
"""A temperature or a log-std that starts at 0 is as long as its update; a network is not."""


def lengths(record: Record) -> list[tuple[int, float]]:
    """Return the median length of the updates over that of the parameters before, for each optimizer of a network."""
    found = []
    for index, optimizer in enumerate(record.optimizers):
        if optimizer.name in _CHOOSE_THEIR_LENGTH:
            continue
        steps = record.series(index)
        ratios = [
            after.update_norm / before.parameter_norm
            for before, after in itertools.pairwise(steps)
            if before.parameter_norm > 0 and math.isfinite(after.update_norm)
        ]
        if optimizer.parameters >= _ELEMENTS and len(ratios) >= 3:
            found.append((index, middle(ratios)))
    return found


def at_the_highest_rate(record: Record) -> list[tuple[int, float, float]]:
    """Return, for each optimizer of a network, the length of an update over that of the parameters, and the rate.

    It goes with the rate, and a warm-up has not come to its end within ten steps: the length is that at the highest
    rate that the schedule, or the optimizer, is known to come to.
    """
    found = []
    for index, length in lengths(record):
        optimizer = record.optimizers[index]
        now = middle([max(step.rates, default=0.0) for step in record.series(index) if not step.skipped])
        highest = max([now, optimizer.highest_rate or 0.0, *optimizer.peak_rates])
        if now > 0 and math.isfinite(highest):
            found.append((index, length * highest / now, highest))
    return found


def first_at_the_highest_rate(record: Record) -> list[tuple[int, float, float]]:
    """Return the length of Adam's first update over that of the parameters, had it been made at the highest rate.

    It is the rate for each parameter, whatever the gradient: the longest that Adam makes at that rate. Four samples
    are soon learnt by heart, and updates are shorter then than those of a run.
    """
    highest = {index: rate for index, _, rate in at_the_highest_rate(record)}
    found = []
    for index, length in first_lengths(record):
        optimizer = record.optimizers[index]
        first = next((max(step.rates, default=0.0) for step in record.steps if step.optimizer == index), 0.0)
        if optimizer.name.startswith("Adam") and first > 0 and index in highest:
            found.append((index, length * highest[index] / first, highest[index]))
    return found


def first_lengths(record: Record) -> list[tuple[int, float]]:
    """Return the length of the first update over that of the initial parameters, for each optimizer of a network."""
    return [
        (index, optimizer.first_length)
        for index, optimizer in enumerate(record.optimizers)
        if optimizer.first_length is not None and math.isfinite(optimizer.first_length)
        if optimizer.parameters >= _ELEMENTS and optimizer.name not in _CHOOSE_THEIR_LENGTH
    ]


def too_long(record: Record) -> tuple[int, float] | None:
    """Return the optimizer whose updates are as long as its parameters, and their length."""
    worst = max(lengths(record), key=lambda pair: pair[1], default=None)
    return worst if worst is not None and worst[1] > t.STEP_LENGTH else None
