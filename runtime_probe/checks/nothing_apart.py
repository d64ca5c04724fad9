"""Embeddings that are only pulled together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe.checks.base import Check, Outcome, failed, passed, skipped

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Ask whether a loss wants anything else of the embeddings of two views than that they are alike."""
    where = record.features.only_together
    if where is not None:
        yield failed(
            "the loss wants nothing of the embeddings than that both views of a sample are alike, and all samples may"
            " be: one constant answers it",
            "compare each sample with the others, too (InfoNCE, a triplet), or detach() one side",
            where,
        )
    elif record.features.views_compared:
        yield passed("embeddings are kept apart, too")
    else:
        yield skipped("no embeddings of two views are compared")


CHECK = Check(
    id="embeddings-collapse",
    title="Embeddings are kept apart",
    step=7,
    seed="",
    why="A loss of likeness alone is lowest where all embeddings are the same. It falls at once, and nothing is learnt:"
    " negatives, a side that does not learn (arXiv:2011.10566), or a term of variances (arXiv:2105.04906) prevent it.",
    run=run,
)
