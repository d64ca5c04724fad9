"""What a loss function was given, and what it expects: shared by the checks of double softmax and sigmoid."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runtime_probe.record import LossCall, Record


def calls_of(record: Record, *names: str) -> list[LossCall]:
    """Return the calls of some loss functions."""
    return [call for call in record.loss_calls if call.function in names]


def most(calls: list[LossCall], bad: list[LossCall]) -> bool:
    """Whether it is the rule and no accident of the numbers: more than half of the calls."""
    return bool(bad) and 2 * len(bad) > len([c for c in calls if str(c.where) == str(bad[0].where)])
