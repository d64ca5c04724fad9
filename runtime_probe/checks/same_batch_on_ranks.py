"""Distributed: every rank works on the same samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe.checks.base import Check, Outcome, failed, passed, skipped

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from runtime_probe.record import Record


def across(records: Sequence[Record]) -> Iterable[Outcome]:
    """Compare the digests of what the models received."""
    hashes = [[step.batch_hash for step in r.steps if step.phase == "baseline" and step.batch_hash] for r in records]
    if len(records) < 2 or not all(hashes):
        yield skipped("one process only, or no digest of the batches")
        return
    if len({own[0] for own in hashes}) == 1:
        yield failed(
            f"all {len(records)} ranks received the same batch: {len(records)} times the cost of one",
            "give the DataLoader a DistributedSampler, and each rank a seed of its own for what it draws",
            records[0].optimizers[0].where if records[0].optimizers else None,
            ranks=len(records),
        )
    else:
        yield passed(f"{len({own[0] for own in hashes})} different batches on {len(records)} ranks")


CHECK = Check(
    id="ranks-see-same-batch",
    title="Ranks see different batches",
    step=1,
    seed="",
    why="Without a DistributedSampler every rank loads the same samples: the gradient is averaged over copies, and"
    " more machines buy nothing.",
    across=across,
)
