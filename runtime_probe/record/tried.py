"""What was tried beyond the ten steps."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Leakage:
    """A sample, or the last time step, was changed: did outputs move that must not?"""

    kind: str
    """`samples`, `time`, or `own target`: what the output at a time step is compared with, which is an input, too."""
    model: str
    moved: float
    """Largest change in outputs that must not move, relative to the change of those that may."""
    detail: str = ""
    """Argument of the model that holds the targets."""
    how: str = "cut"
    """How the first dimension is known to be the batch, and not one of nodes or of time: a cut batch has `cut` it,
    an input with one number for each sample or the shift of the targets have `told`, or it is a `guess`."""


@dataclass(slots=True)
class OutputsAlike:
    """Samples that differ, and that a model answers alike to the last digit."""

    model: str
    samples: int
    """Of the batch."""
    alike: int
    filled: bool
    """These, and no others, end in what fills short sequences up."""


@dataclass(slots=True)
class FilledRead:
    """What a model makes of the ends of sequences (N, T, D) that are filled up to one length."""

    model: str
    argument: str
    share: float
    """Of the steps that are filler."""
    filler: float
    """Mean norm of the gradient of what it says about content, by a step of filler."""
    content: float
    """The same by a step of content."""


@dataclass(slots=True)
class Cut:
    """A part of a model between which and the output only values pass, or only gradients."""

    model: str
    part: str
    """Its name within the model, as in `encoder.net`."""
    passes: str
    """`values`: the output is picked by what the part says, and no gradient comes back; `gradients`: it is trained, and
    the output does not depend on it."""


@dataclass(slots=True)
class VelocityRecord:
    """The target of a flow beside the slope of the noised sample over the time of the model."""

    cosine: float
    shortest: float = 1.0
    """Length of the target over that of the slope, in the sample where it is least."""
    longest: float = 1.0


@dataclass(slots=True)
class Experiments:
    """What was tried beyond the baseline. None: not tried."""

    repeat: float | None = None
    """|difference| of the loss of the same iteration run twice, relative to the loss."""
    repeat_optimizer: int = 0
    nudge_predicted: float | None = None
    nudge_actual: float | None = None
    """Decrease of the loss by a step of -eps * gradient."""
    zeroed: list[float] | None = None
    """Losses with all inputs zero; a single one, after the last step, where ten would take too long."""
    zeroed_reference: list[float] | None = None
    """Losses of the baseline, with which they compare."""
    time_minimum: float | None = None
    time_maximum: float | None = None
    """Range of the flow time that reached the model when uniform draws were forced to their ends."""
    time_loss: float | None = None
    time_observed: list[float] = field(default_factory=list)
    """Smallest and largest flow time that occurred by itself."""
    velocity: VelocityRecord | None = None
    noise_reaches_model: bool | None = None
    """Whether an input of the model changes with the noise that was drawn, beside its time."""
    leakage: list[Leakage] = field(default_factory=list)
    alike: list[OutputsAlike] = field(default_factory=list)
    filled: list[FilledRead] = field(default_factory=list)
    cuts: list[Cut] = field(default_factory=list)
    orders: list[OrderAsked] = field(default_factory=list)


@dataclass(slots=True)
class OrderAsked:
    """A model whose sequence was brought into another order."""

    model: str
    length: int
    """Steps of the sequence."""
    seen: bool
    """The output was another one, and not only in the same other order."""


@dataclass(slots=True)
class PhaseRecord:
    """Ten steps from the start of the baseline with one thing changed."""

    name: str
    """One of `runtime_probe.phases.ALL`, such as `learning rate x0.1`, `clip at 1.0`, `float32`."""
    losses: list[float] = field(default_factory=list)
    """Loss at each step, and after the last."""
    predicted: list[float] = field(default_factory=list)
    """Decrease that the gradient predicts for each step, as in `StepRecord.predicted`."""
    grad_norms: list[float] = field(default_factory=list)
    not_restored: list[str] = field(default_factory=list)
    """What could not be put back to where the baseline started."""
