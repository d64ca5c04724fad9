"""Denoising diffusion: noise predicted at a whole-numbered time step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe.families.base import Family, drawn

if TYPE_CHECKING:
    from runtime_probe.record import Record


def recognise(record: Record) -> Family | None:
    """A whole-numbered time step enters the model, or was drawn, and so was noise."""
    features = record.features
    evidence = []
    if features.time_argument and features.time_integral:
        evidence.append(f"the model takes a whole-numbered time step, `{features.time_argument}`")
    elif features.noise_std is not None and features.calls.get("randint") and not features.calls.get("rand"):
        evidence.append("a whole-numbered time step was drawn for each sample")
    if not evidence or not (features.noise_std is not None or drawn(record)):
        return None
    if features.noise_std is not None:
        evidence.append(f"noise of std {features.noise_std:.3g} with the shape of the target was drawn")
    return Family(
        "diffusion",
        tuple(evidence),
        question="Is the noise schedule set relative to the std of the data?",
    )
