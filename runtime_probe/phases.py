"""Phases: what is changed in ten more steps, and which fault a change would cure.

A phase starts where the baseline started, with the same batch and the same draws. If the loss falls with
the change and did not without, the cause was tried, not guessed.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Phase:
    """One change."""

    name: str
    cures: tuple[str, ...]
    """Checks whose fault this change takes away."""
    sentence: str
    """The change as the subject of a sentence about what it did."""


SLOWER = Phase("learning rate x0.1", ("learning-rate-too-high",), "a learning rate ten times smaller")
FASTER = Phase("learning rate x10", ("learning-rate-too-low",), "a learning rate ten times larger")
CLIPPED = Phase(
    "clip at 1.0",
    ("exploding-gradients", "gradients-not-clipped"),
    "clipping the gradients at a norm of 1.0",
)
FLOAT32 = Phase(
    "float32",
    ("nan-or-inf", "loss-scale", "fp16-gradients-not-unscaled", "fp16-overflow"),
    "float32 in place of autocast",
)
STANDARD_INPUTS = Phase(
    "inputs standardized",
    ("inputs-not-normalized", "input-scales-differ", "data-outliers"),
    "standardizing each input dimension",
)
STANDARD_TARGETS = Phase(
    "targets standardized",
    ("target-scales-differ", "head-cannot-reach-targets"),
    "standardizing each target dimension",
)
ZEROED = Phase("inputs zeroed", ("inputs-ignored",), "setting every input to zero")
CLEARED = Phase("gradients cleared", ("gradients-not-cleared",), "clearing the gradients before each step")
NO_DROPOUT = Phase("dropout off", (), "switching dropout off")
NO_DECAY = Phase("weight decay off", ("weight-decay-dominates",), "switching weight decay off")
TRAIN_MODE = Phase("train mode", ("eval-mode",), "forcing train mode")
ALL_PARAMETERS = Phase(
    "all parameters in the optimizer", ("parameters-not-in-optimizer",), "adding the parameters that the optimizer lacks"
)

ALL = (
    SLOWER, FASTER, CLIPPED, FLOAT32, STANDARD_INPUTS, STANDARD_TARGETS, ZEROED, CLEARED, NO_DROPOUT, NO_DECAY,
    TRAIN_MODE, ALL_PARAMETERS,
)  # fmt: skip
BY_NAME = {phase.name: phase for phase in ALL}
