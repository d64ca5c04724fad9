"""Flow matching: times that reach exactly 0 or 1."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Check, Outcome, failed, number, passed, skipped, warned
from runtime_probe.checks.descent import middle

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Judge the times that reach the model when uniform draws give the ends of their range.

    An end that is reached is a risk, so it warns; a loss that is not finite there, or a hundred
    times what it is elsewhere, fails.
    """
    tried = record.experiments
    low, high = tried.time_minimum, tried.time_maximum
    if low is None or high is None or record.features.time_integral or family.name != "flow":
        yield skipped("no flow time was seen, or its draw could not be forced to the ends")
        return
    numbers: dict[str, Any] = {
        "minimum": low,
        "maximum": high,
        "loss": tried.time_loss,
        "observed": tried.time_observed,
    }
    span = f"[{number(low)}, {number(high)}]"
    ends = [end for end, reached in ((0, low <= t.TIME_MARGIN), (1, high >= 1 - t.TIME_MARGIN)) if reached]
    remedy = "keep the time inside: t = t * (1 - 2e-3) + 1e-3, or clamp(1e-3, 1 - 1e-3)"
    loss, usual = tried.time_loss, middle([abs(v) for v in record.losses(tried.repeat_optimizer) if math.isfinite(v)])
    if ends and loss is not None and not math.isfinite(loss):
        yield failed(f"the flow time spans {span}, and the loss at its ends is {loss}", remedy, **numbers)
    elif ends and loss is not None and usual > 0 and abs(loss) > t.TIME_LOSS_RATIO * usual:
        yield failed(
            f"the flow time spans {span}, and the loss at its ends is {number(loss / usual)} times the usual",
            remedy,
            **numbers,
        )
    elif ends:
        yield warned(f"the flow time reaches {' and '.join(map(str, ends))} exactly: {span}", remedy, **numbers)
    else:
        yield passed(f"the flow time stays within {span}", **numbers)


CHECK = Check(
    id="flow-time-reaches-ends",
    title="Flow time",
    step=7,
    seed="check that the time variable t is being sampled from [0, 1] with appropriate clamping: a t very close to 0"
    " causes the velocity target (a* - eps) to be evaluated at nearly pure noise, which can produce extreme gradient"
    " magnitudes",
    why="torch.rand gives 0 once in 16 million draws: a week's run meets it, ten steps do not. So the draw is forced.",
    run=run,
)
