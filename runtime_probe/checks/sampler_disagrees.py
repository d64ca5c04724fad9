"""Diffusion and flow: a sampler that takes what the model says for something else than what it learns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe.checks.base import Check, Outcome, passed, skipped, warned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record

_OTHER = {"noise": ("data", "difference"), "velocity": ("data",)}
"""By what a sampler takes an answer for: targets that are certainly something else. A score is noise, and is added."""
_TARGETS = {"noise": "the noise", "data": "the clean data", "difference": "a difference of data and noise"}
_WANTED = {"noise": "the noise", "velocity": "the velocity, data - noise on a straight path"}


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Compare the target of the loss with what the loops of the script do to an answer of the model."""
    features = record.features
    kinds = {sampler.kind for sampler in features.samplers}
    if len(features.noised_targets) != 1 or len(kinds) != 1 or family.name not in {"flow", "diffusion"}:
        yield skipped("no sampler was read in the source, or none that says what it takes an answer for")
        return
    sampler, target = features.samplers[0], features.noised_targets[0]
    learnt = _TARGETS.get(target, target)
    if target in _OTHER.get(sampler.kind, ()):
        yield warned(
            f"the model learns {learnt}, and what it says is taken for {sampler.kind} here",
            f"compare with {_WANTED[sampler.kind]} in the loss, or sample with what is learnt",
            sampler.where,
        )
    else:
        taken = "taken for noise" if sampler.kind == "noise" else "added to samples"
        yield passed(f"the model learns {learnt}, and what it says is {taken}", sampler.where)


CHECK = Check(
    id="sampler-disagrees",
    title="Sampler asks for what is learnt",
    step=7,
    seed="check that the learned velocity field produces trajectories that actually arrive at the target distribution",
    why="Noise, velocity and clean sample can each be learnt, and each needs a sampler of its own. The loss falls with"
    " any of them, faster for the clean sample; what the wrong sampler makes of it is nowhere near the data.",
    run=run,
)
