"""Inputs that are the same for every sample: zeros, a wrong key, a dead sensor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Check, Outcome, failed, number, passed, skipped, warned
from runtime_probe.checks.features import called, entering

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record, TensorStatistics


_FEW = 4
_NOT_TELLING = ("mask", "position", "type_ids")
"""Inputs that are the same for all samples by right."""
_STARTS = ("hx", "h0", "c0", "state", "hidden", "mem", "mask", "carry", "cache", "prev", "init", "bias")
"""Parts of names of inputs that may well be 0."""


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Count dimensions without any spread."""
    alike = _alike(record)
    if alike is not None:
        say = failed if family.measures_progress else warned
        yield say(
            f"all {alike.samples} samples of {called(alike)} are the same",
            "print the batch; look for a seed or an index that is the same for every sample",
            alike.where,
        )
        return
    if record.batch.same:
        yield warned(
            f"all samples of a batch have the same {record.batch.same}",
            "look for a seed or an index that is the same for every sample",
        )
    for item in record.statistics:
        if item.top_share >= t.TOP_TOKEN:
            yield warned(
                f"{called(item)}: {item.top_share:.0%} of the tokens are one and the same, padding left out",
                "decode a sample: is it the token for unknown words? look for another tokenizer, or another vocabulary",
                item.where,
                top_share=item.top_share,
            )
    items = [item for item in entering(record) if item.rows >= 2]
    if not items:
        yield skipped("no input with two or more rows")
        return
    dead = [item for item in items if _constant(item) == len(item.mean)]
    if len(dead) == len(items):
        item = dead[0]
        value = number(item.mean[0]) if len(set(item.mean)) == 1 else "the same"
        say = failed if family.measures_progress else warned
        yield say(
            f"{called(item)} is {value} in every row: nothing that distinguishes the samples reaches the model",
            "print the batch; look for a wrong key, a mask, or a division that rounds to zero",
            item.where,
            constant=len(item.mean),
        )
        return
    yield from _of_one_number(record)
    for item in _empty(record):
        yield warned(
            f"{called(item)}: {item.zero_rows:.0%} of the rows are nothing but 0",
            "draw from the part of the buffer that is filled; look for padding and for a mask",
            item.where,
            zero_rows=item.zero_rows,
        )
    for item in _zeros(record):
        yield warned(
            f"{called(item)} is 0 everywhere",
            "print the batch; look for a wrong key, a mask, or a division that rounds to zero",
            item.where,
        )
    for item in items:
        still = _constant(item)
        # A batch of four hides rare features: one-hot inputs and image borders are constant by chance.
        if still:
            yield passed(
                f"{called(item)}: {still} of {len(item.mean)} dimensions are constant in this batch", constant=still
            )
        else:
            yield passed(f"{called(item)}, in every dimension", constant=0)


def _of_one_number(record: Record) -> Iterable[Outcome]:
    """Pictures that hardly show anything."""
    for item in record.statistics:
        if item.one_pixel >= t.ONE_PIXEL:
            yield warned(
                f"{called(item)}: {item.one_pixel:.1%} of the numbers in these pictures are one and the same",
                "look at a picture as the model gets it: a whole-numbered division (//) of bytes leaves 0 and 1, a"
                " wrong range leaves one end of it",
                item.where,
                share=item.one_pixel,
            )


def _zeros(record: Record) -> list[TensorStatistics]:
    """Arguments of a model that are nothing but 0; the states that recurrent networks start from are meant so."""
    return [
        item
        for item in record.statistics
        if item.role == "model input" and item.dtype.startswith("float") and item.rows >= 2 and len(item.shape) > 1
        if not any(word in item.name.rpartition("(")[2].lower() for word in _STARTS)
        if not any(item.minimum) and not any(item.maximum)
    ]


def _empty(record: Record) -> list[TensorStatistics]:
    """Inputs of numbers with fractions of which most rows are empty, as those of a replay buffer that is not filled."""
    return [
        item
        for item in record.statistics
        if t.ZERO_ROWS <= item.zero_rows < 1.0 and item.rows >= t.FEW_ROWS and not item.integral
        if not any(word in item.name.rpartition("(")[2].lower() for word in _STARTS)
    ]


def _alike(record: Record) -> TensorStatistics | None:
    """Return the input of a model in which all samples are the same, if that holds for all that tells them apart."""
    telling = [
        item
        for item in record.statistics
        if item.role == "model input" and item.samples >= _FEW and not any(word in item.name for word in _NOT_TELLING)
    ]
    return telling[0] if telling and all(item.same for item in telling) else None


def _constant(item: TensorStatistics) -> int:
    return sum(low == high for low, high in zip(item.minimum, item.maximum, strict=False))


CHECK = Check(
    id="inputs-constant",
    title="Inputs vary",
    step=1,
    seed="Print or plot the mean, standard deviation, minimum, and maximum of each action dimension",
    why="A model whose inputs are all alike can learn the mean target and nothing else, and its loss still falls.",
    run=run,
)
