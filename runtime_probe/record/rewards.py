"""Reinforcement learning: what environments gave back, and what a script made of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class ReturnsRecord:
    """How returns of a rollout go with its rewards and values: an exact fit."""

    later: bool
    """What was added to a reward came after it, and not before."""
    discount: float
    """What is added of the next step, values and returns together."""
    of_the_same: float
    """What is added of the value of the same step."""
    ends_ignored: bool
    """The fit holds across the ends of episodes."""
    reversed: bool = False
    """It holds for the returns in reversed order."""
    bare: bool = False
    """They are the rewards, and nothing of what follows is in them; nothing else here is known then."""


@dataclass(slots=True)
class TransitionRecord:
    """Rows of a batch that were found among the steps of environments."""

    by: str
    """What they were found by: "observation" or "reward"."""
    rows: int
    agreement: dict[str, float]
    """Of the other parts of these rows with the same steps: 1 where they are theirs."""
    odd: int = 0
    """Rows whose action is not the one that was taken, while most are."""


@dataclass(slots=True)
class BackupRecord:
    """How the one-step target of a value function was made: an exact fit."""

    discount: float
    """What the value is multiplied by that is added to the reward."""
    larger: bool = False
    """It is the larger of what two critics say."""
    entropy: float = 0.0
    """What is added of the log-probability of the next action: minus discount times temperature, or 0."""
    of_the_same: bool = False
    """It is the value of the observation that the target is for."""
    action_of_the_same: bool = False
    """It is the value of the next observation with the action for that one."""
    of_the_trained: bool = False
    """The network that is trained says it, though there is a copy of that."""
    mask: str = ""
    """How it goes with the ends of episodes: "inverted", "ignored", or empty."""


@dataclass(slots=True)
class Rewards:
    """What environments gave back."""

    count: int = 0
    nonzero: int = 0
    minimum: float = 0.0
    maximum: float = 0.0
    mean: float = 0.0
    episodes: int = 0
    longest: int = 0
    """Steps in the longest episode seen, or the limit of the environment if that is known."""
    limit: int = 0
    """Steps after which the environment ends an episode by itself; 0 if not known."""
    gamma: float | None = None
    gamma_name: str = ""
    fractions: int = 0
    """Rewards that are no whole numbers."""
    stored_whole: str = ""
    """Attribute of an object of the script that keeps rewards as whole numbers."""
    returns: ReturnsRecord | None = None
    """None where none were seen whose making could be told."""
    transitions: TransitionRecord | None = None
    """None where no batch could be linked to what happened."""
    backup: BackupRecord | None = None
    """None where no target was seen whose making could be told."""
    squash_corrected: bool | None = None
    """Whether log-probabilities of actions behind a tanh are those of the actions; None where none were seen."""
    temperature: str = ""
    """The loss of the temperature keeps the entropy at its target: "kept", "reversed", or empty for not known."""
    tau: float = 0.0
    """Share of each update that a target network is to take over, as a variable of the script says; 0 for none."""
    ends_unread: str = ""
    """What the script calls the ends of the episodes that it has sampled, where nothing was ever made of them."""
    next_stored: bool = False
    """A policy is trained on the observations after those that it acted on."""
    reused: bool = False
    """An environment returned one array for each step, and changed it in place."""
