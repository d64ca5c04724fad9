"""Rows put together from pieces: view() or reshape() where permute() or transpose() is meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe.checks.base import Check, Outcome, failed, passed, skipped
from runtime_probe.checks.features import called

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record

_REMEDY = "use transpose(), permute() or pixel_shuffle() to reorder dimensions; view() and reshape() only cut them anew"


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Report views that exchange dimensions, logits that mix several outputs, and images whose colours are mixed."""
    found = False
    for where in record.exchanged:
        found = True
        yield failed(
            "view() or reshape() puts dimensions in another order here, and leaves the numbers", _REMEDY, where
        )
    for item in record.statistics:
        if item.interleaved:
            found = True
            yield failed(
                f"{called(item)}: the next pixel of a row is another colour, not a neighbour",
                f"{_REMEDY}: x.permute(0, 3, 1, 2), np.moveaxis(x, -1, 0)",
                item.where,
            )
    for call in record.loss_calls:
        if call.scrambled:
            found = True
            yield failed(
                f"one prediction at {call.function} is put together from several outputs of the model",
                _REMEDY,
                call.where,
            )
    if record.features.misassigned is not None:
        found = True
        yield failed(
            "outputs are compared with the classes of other positions: logits and targets were flattened in different"
            " orders",
            "flatten both alike: logits.reshape(-1, C) of (B, T, C), targets.reshape(-1) of (B, T)",
            record.features.misassigned,
        )
    if not found and record.steps:
        yield passed("views keep the order of dimensions")
    elif not found:
        yield skipped("no step was seen")


CHECK = Check(
    id="dimensions-scrambled",
    title="Order of dimensions",
    step=7,
    seed="there is a fundamental problem with the forward pass or loss computation",
    why="A (B, T, C) output that is viewed as (B, C, T) has the shape that cross_entropy asks for, and numbers of many"
    " positions in each prediction; an (H, W, 3) picture that is reshaped to (3, H, W) is three strips of mixed"
    " colours. The loss falls, to what an average can reach.",
    run=run,
)
