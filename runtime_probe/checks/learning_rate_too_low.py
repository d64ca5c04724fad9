"""Updates so small that nothing will happen in the life of the run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Check, Outcome, failed, number, passed, skipped, warned
from runtime_probe.checks.descent import descents, middle, not_cleared
from runtime_probe.checks.schedule import complaint
from runtime_probe.checks.step_length import at_the_highest_rate

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.checks.descent import Descent
    from runtime_probe.families import Family
    from runtime_probe.record import Record

_REMEDY = "raise the learning rate ({}) by a factor of 10 and look again; 1e-3 to 1e-4 suits Adam"


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
        schedule = complaint(record, descent)
        if schedule is not None:
            yield schedule
            continue
        reason = _not_judged(descent.rising, descent.closures, family, any_gradient=bool(gradients))
        if not reason and not_cleared(descent.steps):
            reason = "gradients of earlier steps are still there; see gradients-not-cleared"
        drop = middle(descent.relative)
        short = _short(record, descent)
        if reason or not drop > 0:
            yield short or skipped(reason or "the updates do not follow the gradient")
            continue
        rate = max(rates, default=0.0)
        numbers: dict[str, Any] = {"relative_drop": drop, "learning_rate": rate}
        message = (
            f"at a learning rate of {number(rate)} one step lowers the loss by {number(drop)} of its value:"
            f" {number(0.1 / drop)} steps for a tenth"
        )
        remedy = _REMEDY.format(number(rate))
        lengths = [s.update_norm / s.parameter_norm for s in descent.steps if s.parameter_norm > 0 and not s.skipped]
        length = middle(lengths)
        tiny = len(descent.optimizers) == 1 and length < t.UPDATE_TINY and drop < t.UPDATE_SLOW_DROP
        if drop < t.FLAT_RELATIVE_DROP or tiny:
            if tiny:
                message += f"; an update is {number(length)} of the parameters' length"
            yield failed(message, remedy, descent.where, **numbers)
        elif drop < t.SLOW_RELATIVE_DROP:
            yield warned(message, remedy, descent.where, **numbers)
        elif (planned := record.features.planned_steps) and planned >= t.A_RUN and _too_slow(record, drop * planned):
            yield warned(f"{message}, and the run has {planned}", remedy, descent.where, planned=planned, **numbers)
        elif short is not None:
            yield short
        else:
            yield passed(f"one step lowers the loss by about {drop:.2%}", **numbers)


def _short(record: Record, descent: Descent) -> Outcome | None:
    """All updates that the run will make, beside the weights that they start from; a warm-up is thought to its end."""
    planned, features = record.features.planned_steps or 0, record.features
    tuned = features.loads or any(2 * model.trainable < model.parameters for model in record.models)
    found = [item for item in at_the_highest_rate(record) if item[0] in descent.optimizers]
    if planned < t.A_RUN or tuned or not found:
        return None
    _, length, rate = max(found, key=lambda item: item[1])
    if not 0.0 < length * planned < t.PATH:
        return None
    return warned(
        f"at a learning rate of {number(rate)} the {planned} updates of the run together are {number(length * planned)}"
        " times as long as the weights (healthy: above 0.8): it ends about where it began",
        _REMEDY.format(number(rate)),
        descent.where,
        path=length * planned,
        learning_rate=rate,
    )


def _too_slow(record: Record, pace: float) -> bool:
    """Whether the run is over before the loss has fallen; one that was trained before may have little way to go."""
    return pace < t.PACE and not record.features.loads


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
