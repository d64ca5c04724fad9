"""Discretized actions: bins that no sample falls into."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Check, Outcome, names, passed, skipped, warned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Count classes and how the labels spread over them."""
    for unseen in record.classes_unseen:
        yield warned(
            f"{len(unseen.missing)} of the {unseen.classes} classes ({names(list(map(str, unseen.missing)))}) are no"
            f" label of any of {unseen.samples} samples of the data set",
            "look at how labels become numbers: were some merged, cut off, divided or rounded? Else the head has"
            " outputs that nothing trains but to be low",
            missing=len(unseen.missing),
            classes=unseen.classes,
        )
    calls = [call for call in record.loss_calls if call.classes > 1 and call.classes_seen > 0]
    if not calls:
        yield skipped("no labels of classes were seen")
        return
    call = max(calls, key=lambda c: prod(c.target_shape))
    labels = prod(call.target_shape)
    numbers: dict[str, Any] = {
        "classes": call.classes,
        "seen": call.classes_seen,
        "labels": labels,
        "top_share": call.top_share,
    }
    message = f"{labels} labels in {call.classes_seen} of {call.classes} classes"
    # Words follow Zipf's law: a vocabulary is no set of bins.
    if call.narrow and family.name != "language model":
        yield warned(
            f"{message}; dimension {names(list(map(str, call.narrow)))} of the targets stays within a seventh of the"
            " classes, while others use nearly all",
            "give each dimension a range of its own before it is cut into bins",
            call.where,
            **numbers,
        )
    elif call.classes < t.BIN_CLASSES or labels < t.BIN_LABELS or family.name == "language model":
        yield passed(message, call.where, **numbers)
    elif call.top_share >= t.BIN_SHARE:
        yield warned(
            f"{message}, {call.top_share:.0%} of them in a tenth of the classes",
            "put the bin boundaries at percentiles of the training actions, so that each bin gets an equal share",
            call.where,
            **numbers,
        )
    else:
        yield passed(f"{message}, {call.top_share:.0%} of them in the fullest tenth", call.where, **numbers)


CHECK = Check(
    id="bins-not-covered",
    title="Class and bin coverage",
    step=7,
    seed="If 90 % of demonstrated actions fall in bins 100-130, the model will quickly learn to assign zero probability"
    " to bins 0-99 and 131-255 and never revisit them.",
    why="Linear bins over a range with outliers leave most bins empty and put all the action into a few: the resolution"
    " that was paid for is not there.",
    run=run,
)
