"""Schedules that keep the learning rate from what it was set to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Outcome, failed, number, warned
from runtime_probe.record import BASELINE, WARM_UP

if TYPE_CHECKING:
    from runtime_probe.checks.descent import Descent
    from runtime_probe.record import Record


def complaint(record: Record, descent: Descent) -> Outcome | None:
    """Return what is wrong with the schedule of an optimizer, if something is."""
    for ask in (_never_there, _runs_out, _is_over, _stands, _warms_up_for_ever):
        found = ask(record, descent)
        if found is not None:
            return found
    return None


def _never_there(record: Record, descent: Descent) -> Outcome | None:
    """A function that returns a rate where LambdaLR multiplies the rate by what it returns."""
    optimizer = record.optimizers[descent.optimizers[0]]
    wanted, highest = max(optimizer.peak_rates, default=0.0), optimizer.highest_rate
    if highest is None or highest >= t.SCHEDULE_REACHES * wanted:
        return None
    return failed(
        f"the schedule never gives more than {number(highest)} of a learning rate of {number(wanted)}",
        "LambdaLR multiplies the optimizer's rate by what the function returns: return a factor up to 1, not a rate",
        descent.where,
        learning_rate=highest,
        highest=wanted,
    )


def _stands(record: Record, descent: Descent) -> Outcome | None:
    """A warm-up in steps that is stepped once an epoch: within ten steps the rate stays where it starts."""
    optimizer, rates = record.optimizers[descent.optimizers[0]], descent.rates
    peak = max([*optimizer.peak_rates, optimizer.highest_rate or 0.0])
    if not rates or len(set(rates)) > 1 or not 0.0 < rates[0] < t.WARM_UP_STANDS * peak:
        return None
    return warned(
        f"the learning rate stays at {number(rates[0])}, {rates[0] / peak:.0%} of {number(peak)} in {len(rates)} steps",
        "step the scheduler after each optimizer.step() if it counts steps (Lightning: interval='step')",
        descent.where,
        learning_rate=rates[0],
        highest=peak,
    )


def _runs_out(record: Record, descent: Descent) -> Outcome | None:
    """A schedule in epochs that is stepped with every batch is over after a few batches."""
    steps = [s for s in record.steps if s.optimizer == descent.optimizers[0] and s.phase in (WARM_UP, BASELINE)]
    rates = [max(step.rates, default=0.0) for step in steps]
    top = max(rates, default=0.0)
    if not rates or rates[-1] >= t.RATE_HALVES * top or rates[-1] != min(rates[rates.index(top) :]):
        return None
    say = failed if rates[-1] < t.RATE_GONE * top else warned
    return say(
        f"the learning rate falls from {number(top)} to {number(rates[-1])} within {len(rates)} steps",
        "step a scheduler that counts in epochs once an epoch, or give it the number of all steps",
        descent.where,
        learning_rate=rates[-1],
        highest=top,
    )


def _is_over(record: Record, descent: Descent) -> Outcome | None:
    """A schedule made for fewer updates than the run has: of one epoch, of a debug run, in another unit."""
    over, planned = record.optimizers[descent.optimizers[0]].schedule_over, record.features.planned_steps
    if over is None or not planned or over >= t.SCHEDULE_OVER * planned:
        return None
    say = failed if over < t.SCHEDULE_OVER_EARLY * planned else warned
    return say(
        f"the schedule is over after {over} updates, and the run has {planned}",
        "give it the number of all updates (T_max, total_steps, num_training_steps), or step it once an epoch",
        descent.where,
        over=over,
        planned=planned,
    )


def _warms_up_for_ever(record: Record, descent: Descent) -> Outcome | None:
    """A warm-up that a longer run was made for: it ends after this one."""
    planned, peaks = record.features.planned_steps, record.optimizers[descent.optimizers[0]].peak_rates
    rates, peak = descent.rates, max(peaks, default=0.0)
    if not descent.rising or not planned or len(rates) < 3 or not rates[-1] < peak:
        return None
    slope = (rates[-1] - rates[0]) / (len(rates) - 1)
    needed = peak / slope
    if needed < t.WARM_UP_SHARE * planned:
        return None
    say = failed if needed > planned else warned
    return say(
        f"the warm-up reaches its rate of {number(peak)} after about {number(needed)} steps, and the run has {planned}",
        "warm up over 1 to 10 % of the steps that the run really has",
        descent.where,
        warm_up=needed,
        planned=planned,
    )
