"""Steps that overshoot: the loss falls by much less than its gradient promises, or rises."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Check, Outcome, Status, failed, number, passed, skipped, warned
from runtime_probe.checks.descent import Descent, comparable, descents, middle, not_cleared, resolution
from runtime_probe.checks.step_length import (
    at_the_highest_rate,
    first_at_the_highest_rate,
    first_lengths,
    too_long,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record

_COUPLED = "; but batch normalization over a batch this small curves the loss"


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Judge each loss by its gain ratio; where that says nothing, each update by its length."""
    found = list(_by_loss(record, family))
    if not any(outcome.status is Status.FAIL for outcome in found):
        found += _first_updates(record)
    if not any(outcome.status in (Status.FAIL, Status.WARN) for outcome in found):
        found += _typical_updates(record)
    return found


def _typical_updates(record: Record) -> Iterable[Outcome]:
    """A network that moves by a tenth of its length at each step has forgotten within ten what it knew."""
    # Behind a normalization the length of weights does not matter, and their direction turns less than it seems.
    limit = t.UPDATE_LONG_NORMALIZED if any(model.batch_coupled for model in record.models) else t.UPDATE_LONG
    long = {item[0]: item for item in first_at_the_highest_rate(record) if item[1] >= t.UPDATE_LONGEST}
    long |= {item[0]: item for item in at_the_highest_rate(record) if item[1] >= limit}
    for index, length, rate in long.values():
        optimizer = record.optimizers[index]
        yield warned(
            f"at a learning rate of {number(rate)} an update of {optimizer.name} is {length:.2f} times as long as"
            " the weights (healthy: below 0.04)",
            f"divide the learning rate ({number(rate)}) by 10 and look again",
            optimizer.where,
            length=length,
            learning_rate=rate,
        )


def _first_updates(record: Record) -> Iterable[Outcome]:
    """The first update meets the initial weights: if it is as long as they are, nothing is left of them."""
    for index, length in first_lengths(record):
        if length >= t.FIRST_LENGTH_HINT:
            optimizer = record.optimizers[index]
            rate = max(optimizer.rates, default=0.0)
            say = failed if length >= t.FIRST_LENGTH else warned
            yield say(
                f"at a learning rate of {number(rate)} the first update of {optimizer.name} is {number(length)} times"
                " as long as the weights: little is left of their initialization",
                f"divide the learning rate ({number(rate)}) by {10 if length < 5 else 100} and look again",
                optimizer.where,
                first_length=length,
                learning_rate=rate,
            )


def _by_loss(record: Record, family: Family) -> Iterable[Outcome]:
    if not family.measures_progress:
        found = too_long(record)
        if found is not None:
            index, length = found
            rate = max(record.optimizers[index].rates, default=0.0)
            yield failed(
                f"at a learning rate of {number(rate)} each update of {record.optimizers[index].name} is {length:.2f}"
                " times as long as the parameters themselves",
                f"divide the learning rate ({number(rate)}) by 100 and look again",
                record.optimizers[index].where,
                length=length,
                learning_rate=rate,
            )
            return
        yield skipped(f"the loss of {family.name} does not measure progress")
        return
    for descent in descents(record):
        reason = comparable(record, descent)
        gone = _ran_away(record, descent)
        if gone is not None:
            yield gone
        elif reason:
            yield skipped(reason)
        else:
            yield _judge(record, descent)


def _ran_away(record: Record, descent: Descent) -> Outcome | None:
    """Losses that stay far above the first one: no chance of batches or draws does that."""
    own = [step for step in record.steps if step.optimizer == descent.optimizers[0]]
    first = next((step.loss for step in own if math.isfinite(step.loss)), math.nan)
    typical = middle([step.loss for step in descent.steps if math.isfinite(step.loss)])
    if any(not math.isfinite(step.loss) for step in own[1:]):
        # It went so fast that NaN came first.
        typical = max((step.loss for step in own if math.isfinite(step.loss)), default=math.nan)
    rate = max(descent.rates, default=0.0)
    if descent.entangled or not_cleared(descent.steps) or not typical > t.LOSS_EXPLODES * first > 0 or not rate:
        return None
    return failed(
        f"the loss went from {number(first)} to {number(typical)} in the first steps, at a learning rate of"
        f" {number(rate)}",
        f"divide the learning rate ({number(rate)}) by 10 until the loss falls as its gradient predicts",
        descent.where,
        first_loss=first,
        typical_loss=typical,
        learning_rate=rate,
    )


def _judge(record: Record, descent: Descent) -> Outcome:
    first = next((abs(step.loss) for step in record.steps if math.isfinite(step.loss)), 0.0)
    wild = max((step.grad_norm for step in descent.steps if math.isfinite(step.grad_norm)), default=0.0)
    # Four samples are learnt by heart within a few steps, and momentum carries on beyond: that is no trouble.
    ratios = descent.ratios(resolution(record), t.LEARNT * first)
    sure = len(ratios) >= 3 or wild >= t.EXPLODING_GROSS
    if not sure:
        ratios = descent.ratios(resolution(record))
    gain = middle(ratios)
    start = abs(descent.losses[0])
    finite = [value for value in descent.losses if math.isfinite(value)]
    peak = max(finite, default=math.nan)
    rate = max(descent.rates, default=0.0)
    numbers: dict[str, Any] = {"gain_ratio": gain, "gain_ratios": ratios, "learning_rate": rate, "highest_loss": peak}
    remedy = f"divide the learning rate ({number(rate)}) by 10 until the loss falls as its gradient predicts"
    longest = max((length for _, length, _ in at_the_highest_rate(record)), default=0.0)
    # A curve that batch normalization makes is no excuse for updates that leave nothing of the weights.
    curved = wild < t.EXPLODING_GROSS and longest < t.UPDATE_LONG_NORMALIZED
    coupled = curved and any(model.batch_coupled for model in record.models)
    exploded = peak > t.LOSS_EXPLODES * max(start, t.LEARNT * first) > 0 and bool(ratios) and min(ratios) < t.GAIN_LOW
    if exploded:
        message = (
            f"the loss went from {number(descent.losses[0])} to {number(peak)} within {len(descent.steps)} steps"
            f" at a learning rate of {number(rate)}"
        )
        if coupled:
            return warned(message + _COUPLED, remedy, descent.where, **numbers)
        return failed(message, remedy, descent.where, **numbers)
    if not ratios or (len(ratios) < 3 and gain >= t.GAIN_LOW):
        return skipped("the updates are too small for their effect to be told from rounding", **numbers)
    if gain >= t.GAIN_LOW or (coupled and gain >= 0.0):
        message = f"the loss falls by {gain:.2f} of what its gradient predicts (healthy: above 0.5)"
        return passed(message + _COUPLED if gain < t.GAIN_LOW else message, **numbers)
    what = "rises where its gradient promises a decrease" if gain < 0 else f"falls by {gain:.2f} of what it should"
    message = f"at a learning rate of {number(rate)} the loss {what} (gain ratio {gain:.2f}, healthy: above 0.5)"
    if coupled:
        return warned(message + _COUPLED, remedy, descent.where, **numbers)
    rises = sum(after > before for before, after in pairwise(descent.losses))
    if sure and (gain < t.GAIN_GROSS or (gain < t.GAIN_LOW and rises >= t.RISES)):
        return failed(message, remedy, descent.where, **numbers)
    return warned(message, remedy, descent.where, **numbers)


CHECK = Check(
    id="learning-rate-too-high",
    title="Learning rate not too high",
    step=3,
    seed="Loss oscillating without converging. ... Almost always: learning rate too large. The optimizer is"
    " overshooting the minimum on every step.",
    why="Whether the loss falls at each step depends on momentum, warm-up and luck. How much it falls, compared with"
    " what the gradient predicts for the very update that was made, does not: the ratio is near 1 for a small step and"
    " collapses, or turns negative, once the step is longer than the gradient is good for. Where no loss tells, the"
    " length of the first update does: a hundredth of the weights' own is healthy, as long as they are is not.",
    run=run,
)
