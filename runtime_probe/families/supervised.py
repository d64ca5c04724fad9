"""A target for each input: behavior cloning, classification, regression."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe.families.base import Family

if TYPE_CHECKING:
    from runtime_probe.record import Record


def recognise(record: Record) -> Family | None:
    """Some loss of torch, or a squared difference, compares the output with a target."""
    if not record.loss_calls:
        return None
    call = record.loss_calls[0]
    what = "a difference of prediction and target" if call.function == "subtract" else call.function
    return Family(
        "supervised",
        (f"{what} ({call.where})",),
        question="Are there a few hundred demonstrations, and do they agree with each other?",
    )
