"""Two models with opposite losses: GAN, WGAN-GP, domain confusion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe.families.base import Family

if TYPE_CHECKING:
    from runtime_probe.record import Record

_BINARY = {"binary_cross_entropy", "binary_cross_entropy_with_logits", "bce_loss", "bce_with_logits"}


def recognise(record: Record) -> Family | None:
    """Two optimizers that hold different models, with losses of their own, one of them fed by noise."""
    if len(record.optimizers) < 2:
        return None
    lines = {}
    for index in range(len(record.optimizers)):
        series = record.series(index)
        lines[index] = {str(loss.where) for step in series for loss in step.losses}
    shared = set.intersection(*lines.values()) if lines else set()
    if shared:
        return None
    calls = record.features.calls
    evidence = []
    binary = [c for c in record.loss_calls if c.function in _BINARY]
    if binary:
        call = binary[0]
        evidence.append(f"{call.function} tells real from made ({call.where})")
    if any(calls.get(name) for name in ("randn", "rand", "normal", "sample")) and not evidence:
        evidence.append("one model is fed with random draws")
    if not evidence:
        return None
    evidence.insert(
        0,
        f"{len(record.optimizers)} optimizers, each with a loss of its own"
        f" ({', '.join(str(o.where) for o in record.optimizers[:2])})",
    )
    return Family(
        "adversarial",
        tuple(evidence),
        measures_progress=False,
        question="Neither loss measures progress: look at samples, and at the balance of the two.",
    )
