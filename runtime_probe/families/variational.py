"""Variational autoencoder: reconstruction from a noisy code, and a divergence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe.families.base import Family, drawn

if TYPE_CHECKING:
    from runtime_probe.record import Record

_RECONSTRUCTION = ("binary_cross_entropy", "mse_loss", "l1_loss")


def recognise(record: Record) -> Family | None:
    """Noise is drawn and scaled by the model, a divergence is added, and the output is compared with the input."""
    calls = record.features.calls
    rebuilt = [c for c in record.loss_calls if c.function.startswith(_RECONSTRUCTION)]
    if not rebuilt or not drawn(record):
        return None
    if not any(calls.get(name) for name in ("kl", "rsample", "scaled noise")):
        return None  # a batch that is made of random numbers, noise for the inputs
    if len(record.optimizers) != 1 or record.features.noise_std is not None or record.features.time_argument:
        return None
    call = rebuilt[0]
    evidence = [f"{call.function} with noise drawn on the way ({call.where})"]
    if calls.get("kl"):
        evidence.append("a KL divergence is computed")
    elif not any(loss.node and "Add" in loss.node for step in record.series(0)[:1] for loss in step.losses):
        return None
    return Family("variational autoencoder", tuple(evidence), question="Does the KL term stay above 0?")
