"""What a loss family is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runtime_probe.record import Record

_DRAWS = ("randn", "randn_like", "normal", "rand", "rand_like", "sample", "rsample")
"""normal_ and uniform_ are missing on purpose: they initialize weights."""


@dataclass(frozen=True, slots=True)
class Family:
    """A loss family, and what it means for the checks."""

    name: str
    """Stable: `supervised`, `flow`, `diffusion`, `reinforcement learning`, `adversarial`, `language model`,
    `variational autoencoder` or `unknown`."""
    evidence: tuple[str, ...] = ()
    """One sentence for each thing that speaks for it, with its line where there is one."""
    measures_progress: bool = True
    """Whether a falling loss means learning. Losses of RL and of adversaries move for other reasons."""
    question: str = ""
    """The seed's question to this family, that no ten steps can answer."""


def drawn(record: Record) -> bool:
    """Whether random numbers were drawn in a step, other than for dropout."""
    return any(record.features.calls.get(name) for name in _DRAWS)
