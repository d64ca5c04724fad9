"""What a schedule will make of the learning rate, as far as it can be asked without stepping it."""

from __future__ import annotations

import functools
import weakref
from typing import TYPE_CHECKING, Any

from torch.optim.lr_scheduler import LambdaLR, LRScheduler

if TYPE_CHECKING:
    from runtime_probe.tap.session import Session

_POINTS = 200
_STEPS = 10_000
"""Looked at where the script does not say how many it means to make."""


class Schedules:
    """The schedules that were stepped."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.seen: weakref.WeakSet[Any] = weakref.WeakSet()

    def install(self) -> None:
        """Watch steps of schedules."""
        original = LRScheduler.step
        schedules = self

        @functools.wraps(original)
        def step(self: Any, *args: Any, **kwargs: Any) -> Any:
            schedules.seen.add(self)
            return original(self, *args, **kwargs)

        self.session.patches.replace(LRScheduler, "step", step)

    def note_highest(self) -> None:
        """Ask functions of the step (LambdaLR) for the largest rate that they will ever give."""
        for schedule in self.seen:
            tracked = next((t for t in self.session.tracked if t.optimizer is schedule.optimizer), None)
            if tracked is not None and isinstance(schedule, LambdaLR):
                planned = self.session.record.features.planned_steps or _STEPS
                points = sorted({round(planned * place / _POINTS) for place in range(_POINTS)} | set(range(10)))
                rates = [
                    base * factor(point)
                    for base, factor in zip(schedule.base_lrs, schedule.lr_lambdas, strict=True)
                    for point in points
                ]
                self.session.record.optimizers[tracked.index].highest_rate = float(max(rates))
