"""What a schedule will make of the learning rate, as far as it can be asked without stepping it."""

from __future__ import annotations

import functools
import math
import weakref
from typing import TYPE_CHECKING, Any

from torch.optim import lr_scheduler
from torch.optim.lr_scheduler import LambdaLR, LRScheduler

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime_probe.tap.session import Session

_POINTS = 200
_STEPS = 10_000
"""Looked at where the script does not say how many it means to make."""
_OVER = 0.0099
"""Of its highest rate: two drops to a tenth leave a hundredth, and are meant."""
_FLOOR = 0.2
"""Of its highest rate, that a straight line goes down to: it is over when it is there."""


class Schedules:
    """The schedules that were stepped."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.steps: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()
        """How often each was stepped; torch does so once when it is made."""

    def install(self) -> None:
        """Watch steps of schedules."""
        original = LRScheduler.step
        schedules = self

        @functools.wraps(original)
        def step(self: Any, *args: Any, **kwargs: Any) -> Any:
            schedules.steps[self] = schedules.steps.get(self, 0) + 1
            return original(self, *args, **kwargs)

        self.session.patches.replace(LRScheduler, "step", step)

    def look_ahead(self) -> None:
        """Ask each schedule for the largest rate that it will ever give, and for when it is over."""
        for schedule, steps in list(self.steps.items()):
            tracked = next((t for t in self.session.tracked if t.optimizer is schedule.optimizer), None)
            factor = _factor(schedule)
            if tracked is None or factor is None:
                continue
            planned = self.session.record.features.planned_steps
            optimizer = self.session.record.optimizers[tracked.index]
            horizon = planned or _STEPS
            points = sorted({round(horizon * place / _POINTS) for place in range(_POINTS)} | set(range(10)))
            factors = [factor(point) for point in points]
            if isinstance(schedule, LambdaLR):
                optimizer.highest_rate = float(max(factors) * max(schedule.base_lrs))
            if isinstance(schedule, lr_scheduler.OneCycleLR):
                optimizer.highest_rate = max(float(group["max_lr"]) for group in schedule.optimizer.param_groups)
            # One that is stepped with each update: those that count epochs are not stepped yet.
            if planned and 1 < tracked.steps <= steps:
                peak = factors.index(max(factors))
                ends = _OVER * factors[peak]
                if isinstance(schedule, lr_scheduler.LinearLR) and factors[-1] < _FLOOR * factors[peak]:
                    ends = max(ends, min(factors[peak:]) * (1 + _OVER))
                later = zip(points[peak:], factors[peak:], strict=True)
                optimizer.schedule_over = next((point for point, f in later if f < ends), None)


def _factor(schedule: Any) -> Callable[[int], float] | None:
    """Return the rate after so many steps of a schedule over the rate that it was given; None where it is not known."""
    if isinstance(schedule, LambdaLR):
        return lambda step: max(float(function(step)) for function in schedule.lr_lambdas)
    if isinstance(schedule, lr_scheduler.CosineAnnealingLR):
        return lambda step: (1.0 + math.cos(math.pi * step / schedule.T_max)) / 2.0
    if isinstance(schedule, lr_scheduler.LinearLR):
        low, high, total = schedule.start_factor, schedule.end_factor, schedule.total_iters
        return lambda step: float(low + (high - low) * min(step / max(total, 1), 1.0))
    if isinstance(schedule, lr_scheduler.ExponentialLR):
        return lambda step: float(schedule.gamma**step)
    if isinstance(schedule, lr_scheduler.StepLR):
        return lambda step: float(schedule.gamma ** (step // schedule.step_size))
    if isinstance(schedule, lr_scheduler.MultiStepLR):
        return lambda step: float(schedule.gamma ** sum(n for m, n in schedule.milestones.items() if m <= step))
    if isinstance(schedule, lr_scheduler.PolynomialLR):
        return lambda step: float(max(1.0 - step / schedule.total_iters, 0.0) ** schedule.power)
    if isinstance(schedule, lr_scheduler.OneCycleLR):
        return lambda step: float(step <= schedule.total_steps)
    return None
