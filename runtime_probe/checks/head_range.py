"""An output head whose range does not hold the targets: tanh against actions beyond 1."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Check, Outcome, failed, number, passed, skipped, warned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Judged, Record

_RANGES = {"Tanh": (-1.0, 1.0), "Sigmoid": (0.0, 1.0), "Softmax": (0.0, 1.0), "Hardtanh": (-1.0, 1.0),
           "Relu": (0.0, math.inf), "Softplus": (0.0, math.inf), "Exp": (0.0, math.inf)}  # fmt: skip
_DISTANCES = frozenset({"mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "subtract"})


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Compare the range of the head with that of the targets."""
    judged = [(item, _range(item.made_by)) for item in record.judged if item.made_by and item.minimum is not None]
    for item, span in judged:
        if span and item.minimum is not None and item.maximum is not None:
            yield _asked(item, span, item.minimum, item.maximum)
    calls = [(call, _range(call.made_by)) for call in record.loss_calls if call.function in _DISTANCES]
    bounded = [(call, span) for call, span in calls if span]
    if not bounded and not any(span for _, span in judged):
        yield skipped("no output of tanh or sigmoid is compared with a target")
    if not bounded:
        return
    for call, (low, high) in bounded:
        width = high - low if math.isfinite(high) else call.target_maximum - call.target_minimum
        margin = t.HEAD_MARGIN * width
        if call.target_minimum < low - margin or call.target_maximum > high + margin:
            say = warned if family.name == "adversarial" else failed
            head = call.made_by.split("Backward")[0].lower()
            yield say(
                f"the {head} head gives {low:g} to {high:g}, the targets span {number(call.target_minimum)} to"
                f" {number(call.target_maximum)}",
                "scale the targets into the range of the head, or drop the activation",
                call.where,
                target_minimum=call.target_minimum,
                target_maximum=call.target_maximum,
            )
            return
    call, (low, high) = bounded[0]
    yield passed(
        f"targets of {number(call.target_minimum)} to {number(call.target_maximum)} within {low:g} to {high:g}",
        call.where,
    )


def _range(made_by: str) -> tuple[float, float] | None:
    return next((span for name, span in _RANGES.items() if made_by.startswith(f"{name}Backward")), None)


def _asked(item: Judged, span: tuple[float, float], minimum: float, maximum: float) -> Outcome:
    """A critic that learns from actions that its actor can never take is asked about others than it knows."""
    low, high = span
    head = item.made_by.split("Backward")[0].lower()
    reach = t.HEAD_MARGIN * (high - low if math.isfinite(high) else maximum - minimum)
    said = (
        f"{item.argument} is {number(minimum)} to {number(maximum)} in the data, and {low:g} to {high:g} out of {head}"
    )
    if minimum < low - reach or maximum > high + reach:
        return warned(
            f"{said}: what is learnt from the one is asked of the other",
            "bring both to one range: scale the actions that are stored, or the output of the head",
            minimum=minimum,
            maximum=maximum,
        )
    return passed(said, minimum=minimum, maximum=maximum)


CHECK = Check(
    id="targets-beyond-head",
    title="Head can reach the targets",
    step=7,
    seed="Print or plot the mean, standard deviation, minimum, and maximum of each action dimension",
    why="A tanh head saturates on the way to a target of 3: its gradient dies, and the action stays at 1.",
    run=run,
)
