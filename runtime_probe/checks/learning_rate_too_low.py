"""Updates so small that nothing will happen in the life of the run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Check, Outcome, failed, number, passed, skipped, warned
from runtime_probe.checks.descent import Descent, descents, middle, not_cleared
from runtime_probe.record import BASELINE, WARM_UP

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Judge the decrease of the loss that the gradient predicts for the updates that were made."""
    for descent in descents(record):
        rates = descent.rates
        gradients = [step.grad_norm for step in descent.steps if step.grad_norm > 0]
        if rates and max(rates) == 0.0:
            yield failed(
                f"the learning rate is 0 at each of {len(rates)} steps",
                "give the optimizer a learning rate, or let the schedule start above 0",
                descent.where,
                learning_rate=0.0,
            )
            continue
        never = _never_there(record, descent)
        if never is not None:
            yield never
            continue
        gone = _runs_out(record, descent) or _stands(record, descent) or _warms_up_for_ever(record, descent)
        if gone is not None:
            yield gone
            continue
        reason = _not_judged(descent.rising, descent.closures, family, any_gradient=bool(gradients))
        if not reason and not_cleared(descent.steps):
            reason = "gradients of earlier steps are still there; see gradients-not-cleared"
        drop = middle(descent.relative)
        if reason or not drop > 0:
            yield skipped(reason or "the updates do not follow the gradient")
            continue
        rate = max(rates, default=0.0)
        numbers: dict[str, Any] = {"relative_drop": drop, "learning_rate": rate}
        message = (
            f"at a learning rate of {number(rate)} one step lowers the loss by {number(drop)} of its value:"
            f" {number(0.1 / drop)} steps for a tenth"
        )
        remedy = f"raise the learning rate ({number(rate)}) by a factor of 10 and look again; 1e-3 to 1e-4 suits Adam"
        lengths = [s.update_norm / s.parameter_norm for s in descent.steps if s.parameter_norm > 0 and not s.skipped]
        length = middle(lengths)
        tiny = len(descent.optimizers) == 1 and length < t.UPDATE_TINY and drop < t.UPDATE_SLOW_DROP
        if drop < t.FLAT_RELATIVE_DROP or tiny:
            if tiny:
                message += f"; an update is {number(length)} of the parameters' length"
            yield failed(message, remedy, descent.where, **numbers)
        elif drop < t.SLOW_RELATIVE_DROP:
            yield warned(message, remedy, descent.where, **numbers)
        else:
            yield passed(f"one step lowers the loss by about {drop:.2%}", **numbers)


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
    peak, rates = max(record.optimizers[descent.optimizers[0]].peak_rates, default=0.0), descent.rates
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


def _not_judged(rising: bool, closures: bool, family: Family, *, any_gradient: bool) -> str:
    if rising:
        return "the learning rate is rising: warm-up"
    if closures:
        return "the optimizer searches its own step length"
    if not family.measures_progress:
        return f"the loss of {family.name} does not measure progress"
    return "" if any_gradient else "there is no gradient"


CHECK = Check(
    id="learning-rate-too-low",
    title="Learning rate not too low",
    step=3,
    seed="Loss plateauing early, then flat. ... learning rate too small (the gradient steps are so tiny the"
    " optimization never escapes the initialization basin)",
    why="Such a run decreases strictly at each step and looks healthy for ten steps, or ten thousand. The decrease as a"
    " share of the loss tells how long it would take. A warm-up that starts at 0 is healthy.",
    run=run,
)
