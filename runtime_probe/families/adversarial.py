"""Two models with opposite losses: GAN, WGAN-GP, domain confusion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe.families.base import Family, drawn

if TYPE_CHECKING:
    from runtime_probe.record import LossCall, Record

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
    evidence = []
    binary = [c for c in record.loss_calls if c.function in _BINARY or _one_label(c)]
    if binary:
        evidence.append(f"{binary[0].function} tells real from made ({binary[0].where})")
    elif drawn(record):
        evidence.append("one model is fed with random draws")
    elif not record.loss_calls:
        evidence.append("neither loss compares with a target")
    else:
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


def _one_label(call: LossCall) -> bool:
    """Whether everything is to be called real, or made: least-squares GANs do so with mse_loss."""
    return call.target_minimum == call.target_maximum and call.target_maximum in {0.0, 1.0}
