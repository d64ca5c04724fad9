"""Contrastive losses whose two views are one, or that compare a sample with itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe.checks.base import Check, Outcome, failed, passed, skipped
from runtime_probe.checks.loss_arguments import calls_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Ask whether embeddings that are compared with each other differ, and none is compared with itself."""
    where = record.features.views_alike
    if where is not None:
        yield failed(
            "the embeddings that are compared here are the same to the last bit: both views of a sample are one",
            "draw each view on its own: augment twice, or let dropout differ between two calls",
            where,
        )
        return
    own = [call for call in calls_of(record, "cross_entropy") if call.own_candidate]
    if own:
        yield failed(
            "each sample is among its own candidates here, and likelier than its partner: the loss cannot fall far",
            "mask the diagonal of the likenesses with -inf before cross_entropy",
            own[0].where,
        )
    elif record.features.views_compared:
        yield passed("the views that are compared differ")
    else:
        yield skipped("no embeddings of two views are compared")


CHECK = Check(
    id="views-alike",
    title="Views differ",
    step=7,
    seed="",
    why="A contrastive loss learns what two views of a sample share. If there is only one, any embedding that tells"
    " samples apart will do, and a network at random does. A sample among its own candidates is the likeliest of all.",
    run=run,
)
