"""The data set is asked, beside the one batch that is replayed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe.tap import (
    again,
    augmentations,
    collating,
    copies,
    dropouts,
    handed,
    held_out,
    maps,
    relations,
    seeding,
    stored,
    unseen,
    vectors,
)

if TYPE_CHECKING:
    from runtime_probe.record import Record
    from runtime_probe.tap.living import Living
    from runtime_probe.tap.session import Session


def ask(session: Session, living: Living) -> None:
    """Read samples of the loader that training goes through first: all over the data set, and some of them again."""
    record = session.record
    loader = session.feed.first() if session.feed.first is not None else None
    if loader is None or record.rank:
        return
    # First: what is scaled in place again and again comes to rest soon.
    with session.looking("asking what reading changes"):
        record.batch.changed = stored.changed_by_reading(loader)
    inputs, targets = session.parts.roles()
    with session.looking("asking for the same samples in another order"):
        record.batch.taken_apart = collating.taken_apart(loader)
    with session.looking("comparing what is kept with what it was made of"):
        record.batch.cut_off = stored.cut_off(loader.dataset)
    with session.looking("asking whether reading sets a seed"):
        record.batch.seeded = seeding.seeded_by_reading(loader)
    with session.looking("relating targets to inputs"):
        stretches = relations.read(loader) if inputs or targets else []
        record.relations = relations.look(stretches, inputs, targets) + relations.answers(stretches)
        record.input_relations = relations.of_inputs(stretches, inputs, targets)
        if _compares_views(record) and not targets and len(inputs) == 2:
            record.relations = relations.pair(stretches, *sorted(inputs))
        # What is generated from nothing but noise is a target alone.
        record.dropouts = dropouts.look(stretches, inputs | targets)
        record.copies = copies.look(stretches, inputs or targets, targets if inputs else ())
    with session.looking("laying masks over pictures"):
        record.map_fits = maps.look(loader, inputs, targets)
    with session.looking("looking for samples of each class"):
        record.classes_unseen = unseen.look(loader, targets, record)
    with session.looking("asking for the same samples again"):
        draws = again.draw(loader)
        record.augmentations += augmentations.compare(draws, inputs, targets) + vectors.compare(draws, inputs, targets)
        record.augmentations += handed.look(loader, inputs, targets, record)
    with session.looking("comparing held-out data"):
        record.held_out = held_out.compare(loader, inputs, living)


def _compares_views(record: Record) -> bool:
    return record.features.views_compared or any(call.likeness is not None for call in record.loss_calls)
