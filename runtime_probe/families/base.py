"""What a loss family is."""

from __future__ import annotations

from dataclasses import dataclass


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
