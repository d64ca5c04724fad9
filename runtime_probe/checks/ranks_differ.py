"""Distributed: parameters that are no longer the same on all ranks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe.checks.base import Check, Outcome, failed, passed, skipped

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from runtime_probe.record import Record


def across(records: Sequence[Record]) -> Iterable[Outcome]:
    """Compare the digests of the parameters after each update."""
    series = [{(s.optimizer, s.number): s.parameter_hash for s in r.steps if s.phase == "baseline"} for r in records]
    common = set.intersection(*(set(own) for own in series)) if len(series) > 1 else set()
    known = sorted(key for key in common if all(own[key] for own in series))
    if not known:
        yield skipped("one process only, or no digest of the parameters")
        return
    differ = [key for key in known if len({own[key] for own in series}) > 1]
    if differ:
        optimizer, step = differ[0]
        yield failed(
            f"after step {step + 1} the parameters differ between ranks: their gradients are not averaged",
            "wrap the model in DistributedDataParallel and call the wrapper, not .module; start from equal weights",
            records[0].optimizers[optimizer].where if optimizer < len(records[0].optimizers) else None,
            step=step,
        )
    else:
        yield passed(f"the parameters are equal on {len(records)} ranks after each of {len(known)} updates")


CHECK = Check(
    id="ranks-differ",
    title="Ranks stay equal",
    step=4,
    seed="",
    why="Ranks whose gradients are not averaged train models of their own; the one that saves wins.",
    across=across,
)
