"""Next-token prediction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe.families.base import Family

if TYPE_CHECKING:
    from runtime_probe.record import Record

_CLASSES = 32
"""A sequence labelled with fewer classes is tagging or classification."""


def recognise(record: Record) -> Family | None:
    """Token ids go in, and a class for each position is asked of the output."""
    features = record.features
    if features.targets_are_shifted:
        evidence = ["the targets are the inputs, one position on"]
    elif features.token_input:
        calls = [
            c for c in record.loss_calls if c.classes >= _CLASSES and c.input_shape and _positions(c.target_shape) > 16
        ]
        if not calls:
            return None
        evidence = [f"token ids go in; {calls[0].function} over {calls[0].classes} classes ({calls[0].where})"]
    else:
        return None
    return Family("language model", tuple(evidence), question="Compare the floor of the loss with ln(vocabulary).")


def _positions(shape: list[int]) -> int:
    size = 1
    for length in shape:
        size *= length
    return size
