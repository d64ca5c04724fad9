"""What one process of a probed run observed, as plain data.

The tap writes a record, the checks read it; they may be in different processes, and in different
environments. So this module needs neither torch nor anything outside the standard library, and
everything in a record goes through JSON. Numbers are Python floats, NaN and infinity included.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from runtime_probe.record.data import SHIFTED as SHIFTED
from runtime_probe.record.data import AskedOutside as AskedOutside
from runtime_probe.record.data import Augmentation as Augmentation
from runtime_probe.record.data import Batch as Batch
from runtime_probe.record.data import ClassesUnseen as ClassesUnseen
from runtime_probe.record.data import Copies as Copies
from runtime_probe.record.data import Dropout as Dropout
from runtime_probe.record.data import HeldOut as HeldOut
from runtime_probe.record.data import MapFit as MapFit
from runtime_probe.record.data import Relation as Relation
from runtime_probe.record.data import TakenApart as TakenApart
from runtime_probe.record.data import TensorStatistics as TensorStatistics
from runtime_probe.record.events import Crash as Crash
from runtime_probe.record.events import EventRecord as EventRecord
from runtime_probe.record.events import Where as Where
from runtime_probe.record.features import Features as Features
from runtime_probe.record.features import LeftOut as LeftOut
from runtime_probe.record.features import MixRecord as MixRecord
from runtime_probe.record.features import RowsMoved as RowsMoved
from runtime_probe.record.features import Sampler as Sampler
from runtime_probe.record.features import Times as Times
from runtime_probe.record.features import Unlearnt as Unlearnt
from runtime_probe.record.features import WrongAxis as WrongAxis
from runtime_probe.record.losses import Judged as Judged
from runtime_probe.record.losses import LatentRecord as LatentRecord
from runtime_probe.record.losses import Latents as Latents
from runtime_probe.record.losses import LossCall as LossCall
from runtime_probe.record.losses import MaskRecord as MaskRecord
from runtime_probe.record.losses import MiningRecord as MiningRecord
from runtime_probe.record.losses import Padding as Padding
from runtime_probe.record.losses import PullRecord as PullRecord
from runtime_probe.record.rewards import BackupRecord as BackupRecord
from runtime_probe.record.rewards import ReturnsRecord as ReturnsRecord
from runtime_probe.record.rewards import Rewards as Rewards
from runtime_probe.record.rewards import TransitionRecord as TransitionRecord
from runtime_probe.record.stages import BASELINE as BASELINE
from runtime_probe.record.stages import FORCED_TIME as FORCED_TIME
from runtime_probe.record.stages import INFLUENCE as INFLUENCE
from runtime_probe.record.stages import NUDGE as NUDGE
from runtime_probe.record.stages import OTHER_NOISE as OTHER_NOISE
from runtime_probe.record.stages import REPEAT as REPEAT
from runtime_probe.record.stages import SETTLE as SETTLE
from runtime_probe.record.stages import TRACE as TRACE
from runtime_probe.record.stages import WARM_UP as WARM_UP
from runtime_probe.record.stages import ZEROED as ZEROED
from runtime_probe.record.training import ClipRecord as ClipRecord
from runtime_probe.record.training import Keeper as Keeper
from runtime_probe.record.training import LossRecord as LossRecord
from runtime_probe.record.training import ModelRecord as ModelRecord
from runtime_probe.record.training import NonFinite as NonFinite
from runtime_probe.record.training import OptimizerRecord as OptimizerRecord
from runtime_probe.record.training import ParameterRecord as ParameterRecord
from runtime_probe.record.training import StepRecord as StepRecord
from runtime_probe.record.tried import Cut as Cut
from runtime_probe.record.tried import Experiments as Experiments
from runtime_probe.record.tried import FilledRead as FilledRead
from runtime_probe.record.tried import Leakage as Leakage
from runtime_probe.record.tried import OrderAsked as OrderAsked
from runtime_probe.record.tried import OutputsAlike as OutputsAlike
from runtime_probe.record.tried import PhaseRecord as PhaseRecord
from runtime_probe.record.tried import VelocityRecord as VelocityRecord


@dataclass(slots=True)
class Record:
    """Everything that one process observed."""

    pid: int = 0
    rank: int = 0
    world_size: int = 1
    argv: list[str] = field(default_factory=list)
    folder: str = ""
    """Working folder of the script."""
    torch: str = ""
    wanted_steps: int = 10
    wanted_batch: int = 4
    status: str = "running"
    """`running`, `complete` (the session came to its end), `ended` (the script did before), `crashed`."""
    crash: Crash | None = None
    framework: str = ""
    """`raw`, `lightning`, `transformers`, `accelerate`."""
    own_loop: bool = False
    """The loop was the probe's: how it clears, clips and steps is not the user's doing."""
    seconds: float = 0.0
    start_seconds: float = 0.0
    """Until the first backward."""
    models: list[ModelRecord] = field(default_factory=list)
    optimizers: list[OptimizerRecord] = field(default_factory=list)
    steps: list[StepRecord] = field(default_factory=list)
    backwards: int = 0
    detached_loss: LossRecord | None = None
    """A backward whose loss depended on no parameter."""
    parameters: list[ParameterRecord] = field(default_factory=list)
    statistics: list[TensorStatistics] = field(default_factory=list)
    loss_calls: list[LossCall] = field(default_factory=list)
    broadcasts: list[LossCall] = field(default_factory=list)
    """(B, 1) with (B,), which makes (B, B)."""
    softmax_over_batch: list[Where] = field(default_factory=list)
    """Where a softmax ran along the first dimension of what has as many rows as the batch."""
    idle_terms: list[Where] = field(default_factory=list)
    """Where backward() runs through a term whose gradient is always cleared unused, beside one that is used."""
    padding: Padding | None = None
    """None where no padded tokens were seen."""
    masks: list[MaskRecord] = field(default_factory=list)
    judged_copies: dict[str, float] = field(default_factory=dict)
    """How far a loss wants the output of one network up, for detached inputs that another network made."""
    judged_live: dict[str, float] = field(default_factory=dict)
    """The same for inputs through which the other one is trained."""
    judged: list[Judged] = field(default_factory=list)
    exchanged: list[Where] = field(default_factory=list)
    """Where view() or reshape() gives dimensions in another order."""
    linear_pairs: list[str] = field(default_factory=list)
    """Linear layers, or convolutions, whose output went into another as it was or normalized by its batch, as in
    `Policy.net.0 > Policy.net.1`; bottlenecks left out."""
    policy_correlations: list[float] = field(default_factory=list)
    """What an update does to the log-probability of each action, correlated with its return; one for each update."""
    pulls: list[PullRecord] = field(default_factory=list)
    relations: list[Relation] = field(default_factory=list)
    input_relations: list[Relation] = field(default_factory=list)
    """Of each of several inputs to all targets."""
    map_fits: list[MapFit] = field(default_factory=list)
    classes_unseen: list[ClassesUnseen] = field(default_factory=list)
    dropouts: list[Dropout] = field(default_factory=list)
    augmentations: list[Augmentation] = field(default_factory=list)
    nonfinite: list[NonFinite] = field(default_factory=list)
    experiments: Experiments = field(default_factory=Experiments)
    phases: list[PhaseRecord] = field(default_factory=list)
    batch: Batch = field(default_factory=Batch)
    surrogates: list[float] = field(default_factory=list)
    """Derivatives of losses by the products of log-probabilities, or ratios, with advantages: negative where the loss
    raises what did well."""
    keepers: list[Keeper] = field(default_factory=list)
    copies: Copies = field(default_factory=Copies)
    held_out: list[HeldOut] = field(default_factory=list)
    asked_outside: list[AskedOutside] = field(default_factory=list)
    rewards: Rewards = field(default_factory=Rewards)
    latents: Latents = field(default_factory=Latents)
    features: Features = field(default_factory=Features)
    events: list[EventRecord] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    """Files of the user that were imported or run."""
    refused: list[str] = field(default_factory=list)
    """What the probe kept the script from doing, one line each."""
    created: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def series(self, optimizer: int, phase: str = BASELINE) -> list[StepRecord]:
        """Updates of one optimizer in one phase, in order."""
        return [step for step in self.steps if step.optimizer == optimizer and step.phase == phase]

    def losses(self, optimizer: int) -> list[float]:
        """Losses of the baseline of one optimizer, with the one after the last step if it was seen."""
        last = self.series(optimizer, SETTLE)[:1]
        return [step.loss for step in self.series(optimizer) + last]
