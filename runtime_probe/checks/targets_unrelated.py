"""Labels that have nothing to do with their samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Check, Outcome, number, passed, skipped, warned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Ask the order of rows in a batch, and the data set, not the model."""
    apart = record.batch.taken_apart
    if apart is not None:
        yield warned(
            f"collate_fn brings `{apart.sorted}` into an order of its own, and leaves `{apart.left}` in that of the"
            " samples",
            "sort the samples, not one of their parts: samples.sort(key=...), then take them apart",
        )
        return
    moved = record.features.rows_moved
    if moved is not None and not moved.of:
        yield warned(
            "each sample is mixed with another one of the batch here, and its target is not",
            "mix the targets, or the losses of both: share * loss(y) + (1 - share) * loss(y[order])",
            moved.where,
        )
        return
    if moved is not None:
        yield warned(
            f"the rows of {moved.of} are brought into another order here, and those of the other parts of the batch"
            " are not",
            "index all parts of a batch with the same permutation",
            moved.where,
        )
        return
    yield from _maps(record)
    yield from _inputs(record)
    for relation in record.relations:
        if relation.dependence < t.UNRELATED:
            yield warned(
                f"in {relation.samples} samples of the data set, {relation.part} depends on the inputs no more than"
                f" shuffled rows do ({number(relation.dependence)} standard deviations)",
                "look at a few samples beside their labels: both lists in the same order, joined by the same key",
                dependence=relation.dependence,
            )
        elif relation.row_by_row is not None and relation.row_by_row < t.UNRELATED:
            yield warned(
                f"in {relation.samples} samples of the data set, {relation.part} depends on the inputs as a whole"
                f" ({number(relation.dependence)} standard deviations), and row by row no more than rows do that are"
                f" shuffled among their neighbours ({number(relation.row_by_row)})",
                "look at a few samples beside their labels: was one of two lists sorted?",
                dependence=relation.dependence,
                row_by_row=relation.row_by_row,
            )
        else:
            yield passed(f"{relation.part} depends on the inputs", dependence=relation.dependence)
    if not record.relations and not record.map_fits and not record.input_relations:
        yield skipped("the data set was not read: no map-style loader, too few or too slow samples, or no target in it")


def _inputs(record: Record) -> Iterable[Outcome]:
    for relation in record.input_relations:
        if relation.dependence < t.UNRELATED:
            yield warned(
                f"in {relation.samples} samples of the data set, the targets depend on {relation.part}, one of the"
                f" inputs, no more than on that of other samples ({number(relation.dependence)} standard deviations)",
                "look at a few samples: is each of their parts of the same moment and episode? One index for all",
                dependence=relation.dependence,
            )
        else:
            yield passed(f"the targets depend on {relation.part}", dependence=relation.dependence)


def _maps(record: Record) -> Iterable[Outcome]:
    for fit in record.map_fits:
        if fit.turn:
            yield warned(
                f"in {fit.samples} samples of the data set, the borders in {fit.part} lie where their pictures have"
                f" edges only once they are {fit.turn}: the correlation is {number(fit.fits)}, and {number(fit.stays)}"
                " as they are",
                "draw a few masks over their pictures: rows and columns, width and height, corners and crops alike",
                correlation=fit.fits,
                as_they_are=fit.stays,
            )
        elif fit.dependence is not None and fit.dependence < t.UNRELATED:
            yield warned(
                f"in {fit.samples} samples of the data set, {fit.part} fits its own picture no better than those of"
                f" others ({number(fit.dependence)} standard errors)",
                "draw a few masks over their pictures: both lists in the same order, joined by the same key",
                dependence=fit.dependence,
            )
        else:
            yield passed(f"{fit.part} lies over its pictures as it is", as_they_are=fit.stays)


CHECK = Check(
    id="targets-unrelated",
    title="Targets belong to their inputs",
    step=1,
    seed="",
    why="Labels in another order than their samples (a directory listing, a shuffle of one of two lists) can be learnt"
    " by heart and not otherwise. The loss falls for a while, to that of the mean.",
    run=run,
)
