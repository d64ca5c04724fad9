"""What is to be probed of a file without a loop; made where the file is read, used where it is imported."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any


class DoorError(Exception):
    """Something cannot be found, built or shaped; the message says what, and what to name instead."""


@dataclass(slots=True)
class Plan:
    """Names only: nothing of the file has been run when this is made."""

    path: str
    """File with the model."""
    model: str
    """A class, a function that makes a model, or a model."""
    loss_path: str = ""
    """File with the loss; empty for a loss of torch."""
    loss: str = ""
    """`bc_loss`, `BcLoss`, `SmallPolicy.compute_loss`, a function of torch; empty where forward gives it."""
    layout: str = ""
    """How a batch that is one argument is taken apart: `tuple`, `dict`, `attributes`, or empty."""
    parts: list[str] = field(default_factory=list)
    """Names of those parts."""
    criteria: list[str] = field(default_factory=list)
    """Losses of torch that the loss calls."""
    optimizer: str = "AdamW"
    options: dict[str, Any] = field(default_factory=lambda: {"lr": 1e-3})
    batch: str = ""
    """File with a batch; empty to make one up."""
    batch_size: int = 4
    notes: list[str] = field(default_factory=list)
    """What was guessed so far."""

    def to_json(self) -> str:
        """Return the plan as one argument of a command."""
        return json.dumps(dataclasses.asdict(self))


def from_json(text: str) -> Plan:
    """Return the plan of a command's argument."""
    return Plan(**json.loads(text))
