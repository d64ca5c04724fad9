"""Logits that an activation has cut off: ReLU, tanh or sigmoid at the end of a classifier."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Check, Outcome, failed, passed, skipped, warned
from runtime_probe.checks.loss_arguments import calls_of, most

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import LossCall, Record

_TANH = ("Tanh", "Hardtanh")
_NARROW = (*_TANH, "Sigmoid", "Hardsigmoid")
_CUT = ("Relu",)
_REMEDY = "drop the activation behind the last layer: logits are free numbers"


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Look at what made the logits."""
    calls = calls_of(record, "cross_entropy")
    binary = calls_of(record, "binary_cross_entropy_with_logits")
    bounded = [call for call in binary if call.made_by.startswith((*_CUT, *_TANH))]
    if most(binary, bounded):
        half = bounded[0].made_by.startswith(_CUT)
        yield failed(
            f"the logits of binary_cross_entropy_with_logits come out of {_name(bounded[0])}:"
            f" {'no probability is below 0.5' if half else 'probabilities are between 0.27 and 0.73'}",
            _REMEDY,
            bounded[0].where,
        )
    elif binary and not most(binary, [call for call in binary if call.made_by.startswith(_NARROW)]):
        yield passed("logits are free numbers", binary[0].where)
    if not calls:
        if not binary:
            yield skipped("cross_entropy was not called")
        return
    narrow = [call for call in calls if call.made_by.startswith(_NARROW)]
    cut = [call for call in calls if call.made_by.startswith(_CUT)]
    for bad, say in ((narrow, failed), (cut, warned)):
        if most(calls, bad):
            yield say(f"the logits of cross_entropy come out of {_name(bad[0])}", _REMEDY, bad[0].where)
            return
    scaled = [(call, call.scale) for call in calls if call.scale and call.classes > t.COSINE_CLASSES]
    flat = [(call, scale) for call, scale in scaled if scale <= t.COSINE_SCALE or _is_logarithm(scale)]
    if most(calls, [call for call, _ in flat]):
        call, scale = flat[0]
        exponential = f"; {scale:.2f} is the logarithm of 1 / 0.07, so exp() is missing" if _is_logarithm(scale) else ""
        yield warned(
            f"the logits of cross_entropy are {f'{scale:.2f} times the ' if exponential else ''}cosines, between"
            f" {-scale:.2g} and {scale:.2g}: of {call.classes} classes none gets a probability above"
            f" {_certain(call.classes, scale):.2f}{exponential}",
            "divide them by a temperature (0.07 is usual), or multiply by a scale that is learnt",
            call.where,
            scale=scale,
        )
        return
    yield passed("logits are free numbers", calls[0].where)


def _name(call: LossCall) -> str:
    return call.made_by.split("Backward")[0].lower()


def _is_logarithm(scale: float) -> bool:
    return math.isclose(scale, math.log(1 / 0.07), rel_tol=t.CLOSE_SCALE)


def _certain(classes: int, scale: float) -> float:
    return 1.0 / (1.0 + (classes - 1) * math.exp(-2.0 * scale))


CHECK = Check(
    id="logits-bounded",
    title="Logits are not cut off",
    step=7,
    seed="",
    why="With logits between -1 and 1 the most certain answer of ten classes has a probability of 0.45: the loss has a"
    " floor of 0.8. Behind a ReLU a class can be doubted no more than one that nothing is known of.",
    run=run,
)
