"""Flow matching and rectified flow: a velocity at a time between 0 and 1."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe.families.base import Family, drawn

if TYPE_CHECKING:
    from runtime_probe.record import Record


def recognise(record: Record) -> Family | None:
    """A time that is no whole number enters the model, and noise was mixed with data."""
    features, tried = record.features, record.experiments
    evidence = []
    if features.time_argument and not features.time_integral:
        evidence.append(f"the model takes a time, `{features.time_argument}`")
    if len(tried.time_observed) == 2:
        low, high = tried.time_observed
        evidence.append(f"the time lies in {low:.3g} to {high:.3g}")
    if not evidence and features.noise_std is not None and features.calls.get("rand"):
        evidence.append("a number between 0 and 1 was drawn, and data mixed with noise")
    if features.time_integral or not evidence:
        return None
    noisy = features.noise_std is not None or drawn(record)
    if not noisy:
        return None
    if features.noise_std is not None:
        evidence.append(f"noise of std {features.noise_std:.3g} with the shape of the target was drawn")
    return Family(
        "flow",
        tuple(evidence),
        question="Sample 10 trajectories and compare where they end with the training actions.",
    )
