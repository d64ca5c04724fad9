"""Frozen weights that were never loaded: they stay as they were drawn."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Check, Outcome, names, passed, skipped, warned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record

_FOLLOWERS = ("target", "teacher", "ema", "momentum", "average")
"""Copies of networks that are trained, and random targets of exploration (RND)."""


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Report frozen matrices of a trained model in a process that has read no weights."""
    frozen = [p for p in record.parameters if not p.requires_grad and len(p.shape) > 1 and p.model >= 0]
    frozen = [p for p in frozen if p.position >= 0 and not any(word in p.name.lower() for word in _FOLLOWERS)]
    total = sum(prod(p.shape) for p in record.parameters) or 1
    share = sum(prod(p.shape) for p in frozen) / total
    if not frozen:
        yield skipped("no weights are frozen")
    elif record.features.loads:
        yield passed(f"{len(frozen)} are, and {record.features.loads} files or state dicts were loaded")
    elif share < t.FROZEN_SHARE:
        yield passed(f"{share:.0%} of the weights are")
    else:
        yield warned(
            f"{share:.0%} of the weights are frozen, and nothing was loaded: {names([p.name for p in frozen])}",
            "load the pretrained weights before freezing them, or train them",
            share=share,
            parameters=[p.name for p in frozen],
        )


CHECK = Check(
    id="frozen-at-random",
    title="Frozen weights were loaded",
    step=4,
    seed="",
    why="An encoder that is frozen before its checkpoint is found, or in a run without one, is a random projection:"
    " what it loses, no head learns.",
    run=run,
)
