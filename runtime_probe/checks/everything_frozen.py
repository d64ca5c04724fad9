"""Nothing to train: every parameter is frozen, or the optimizer holds only frozen ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe.checks.base import Check, Outcome, failed, passed, skipped

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import ParameterRecord, Record

_NO_GRAPH = "does not require grad"
"""In torch's complaint about a loss that depends on nothing trainable."""


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Count what can be trained."""
    held = [p for p in record.parameters if p.optimizer is not None]
    trainable = [p for p in held if p.requires_grad]
    where = record.optimizers[0].where if record.optimizers else None
    idle = [index for index in range(len(record.optimizers)) if record.series(index) and _frozen(held, index)]
    if idle and trainable:
        name = record.optimizers[idle[0]].name
        yield failed(
            f"all parameters that {name} holds are frozen",
            "set requires_grad_(True) on what is to be trained, before its steps",
            record.optimizers[idle[0]].where,
        )
    elif held and not trainable:
        yield failed(
            f"all {len(held)} parameters of the optimizer are frozen",
            "set requires_grad_(True) on what is to be trained, before the optimizer is made",
            where,
        )
    elif record.crash is not None and _NO_GRAPH in record.crash.message and record.detached_loss is None:
        yield failed(
            "backward() was called on a loss that depends on nothing trainable",
            "unfreeze what is to be trained, and look for detach() or no_grad() before the loss",
            record.crash.where,
        )
    elif not held:
        yield skipped("no parameters were seen")
    else:
        frozen = [p for p in record.parameters if not p.requires_grad]
        more = f", {len(frozen)} are frozen" if frozen else ""
        yield passed(f"{len(trainable)} parameters are trained{more}")


def _frozen(held: list[ParameterRecord], optimizer: int) -> bool:
    own = [p for p in held if p.optimizer == optimizer]
    return bool(own) and not any(p.requires_grad for p in own)


CHECK = Check(
    id="everything-frozen",
    title="Something is trained",
    step=4,
    seed="Check gradient norms per layer.",
    why="requires_grad_(False) on a backbone easily covers the head, too, and a loop that still runs says nothing.",
    run=run,
)
