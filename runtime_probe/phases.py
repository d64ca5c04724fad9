"""Phases: what is changed in ten more steps, and which fault a change would cure.

A phase starts where the baseline started, with the same batch and the same draws. If the loss falls with
the change and did not without, the cause was tried, not guessed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runtime_probe.record import Record


@dataclass(frozen=True, slots=True)
class Phase:
    """One change."""

    name: str
    cures: tuple[str, ...]
    """Checks whose fault this change takes away."""
    sentence: str
    """The change as the subject of a sentence about what it did."""


UNCHANGED = Phase("nothing changed", (), "nothing")
"""Shows that everything goes back: its losses are those of the baseline, to the last bit on a CPU."""
SLOWER = Phase("learning rate x0.1", ("learning-rate-too-high",), "a learning rate ten times smaller")
FASTER = Phase("learning rate x10", ("learning-rate-too-low",), "a learning rate ten times larger")
CLIPPED = Phase(
    "clip at 1.0",
    ("exploding-gradients", "gradients-not-clipped"),
    "clipping the gradients at a norm of 1.0",
)
FLOAT32 = Phase(
    "float32",
    ("nan-or-inf", "fp16-gradients-not-unscaled", "fp16-overflow"),
    "float32 in place of autocast",
)
STANDARD_INPUTS = Phase(
    "inputs standardized",
    ("inputs-not-normalized", "input-scales-differ", "data-outliers"),
    "standardizing each input dimension",
)
STANDARD_TARGETS = Phase(
    "targets standardized",
    ("target-scales-differ", "targets-not-normalized", "targets-beyond-head"),
    "standardizing each target dimension",
)
ZEROED = Phase("inputs zeroed", ("inputs-ignored",), "setting every input to zero")
CLEARED = Phase("gradients cleared", ("gradients-not-cleared",), "clearing the gradients before each step")
NO_DROPOUT = Phase("dropout off", (), "switching dropout off")
NO_DECAY = Phase("weight decay off", ("weight-decay-too-high",), "switching weight decay off")
TRAIN_MODE = Phase("train mode", ("eval-mode-in-training",), "forcing train mode")
ALL_PARAMETERS = Phase(
    "all parameters in the optimizer",
    ("parameters-not-in-optimizer",),
    "adding the parameters that the optimizer lacks",
)

ALL = (
    UNCHANGED, SLOWER, FASTER, CLIPPED, FLOAT32, STANDARD_INPUTS, STANDARD_TARGETS, ZEROED, CLEARED, NO_DROPOUT,
    NO_DECAY, TRAIN_MODE, ALL_PARAMETERS,
)  # fmt: skip
BY_NAME = {phase.name: phase for phase in ALL}

MOST = 6
"""Phases of one diagnosis at most; each takes as long as the ten steps did."""
_OF_THE_LOSS = frozenset((
    "learning-rate-too-high", "loss-not-decreasing", "inputs-not-normalized", "exploding-gradients", "nan-or-inf",
    "update-goes-uphill", "target-scales-differ", "targets-not-normalized", "gradients-not-cleared",
))  # fmt: skip
"""Faults that make a loss rise or jump: a lower rate and clipping are tried for each of them."""


def choose(record: Record, wanted: str) -> list[Phase]:
    """Return the phases that the baseline calls for, beside the one with zeroed inputs.

    Args:
        record: What was observed so far.
        wanted: `auto`, `none` or `all`, as in Options.phases.

    A healthy run gets none, or one for a warning about its loss.
    """
    from runtime_probe.report import verdicts  # noqa: PLC0415 - the checks are no business of who only names phases

    possible = [phase for phase in ALL if phase is not ZEROED and _possible(phase, record)]
    if wanted == "none":
        return []
    if wanted == "all":
        return possible
    failed, warned = verdicts(record)
    chosen = [phase for phase in possible if set(phase.cures) & failed]
    if failed & _OF_THE_LOSS:
        chosen += [phase for phase in (SLOWER, CLIPPED) if phase not in chosen]
    if not failed and {*SLOWER.cures, *FASTER.cures} & warned:
        # Raw numbers explain a rate that seems too high, so they are asked first.
        asked = (STANDARD_INPUTS, STANDARD_TARGETS, SLOWER, FASTER)
        chosen = [phase for phase in asked if phase in possible and set(phase.cures) & warned][:1]
    return chosen[:MOST]


def _possible(phase: Phase, record: Record) -> bool:
    if phase is FLOAT32:
        return bool(record.features.autocast)
    if phase is ALL_PARAMETERS:
        return any(p.optimizer is None and p.requires_grad and p.gradients for p in record.parameters)
    if phase is STANDARD_TARGETS:
        return any(s.role == "target" and "float" in s.dtype for s in record.statistics)
    if phase is STANDARD_INPUTS:
        return any(s.role == "model input" and "float" in s.dtype for s in record.statistics)
    if phase is NO_DECAY:
        return any(optimizer.weight_decay for optimizer in record.optimizers)
    return True
