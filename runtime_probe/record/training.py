"""Losses, updates, and what they were updates of: parameters, models, optimizers."""

from __future__ import annotations

from dataclasses import dataclass, field

from runtime_probe.record.events import Where


@dataclass(slots=True)
class LossRecord:
    """One backward pass."""

    value: float
    """The loss, unscaled."""
    scaled_by: float
    """Loss scale that was in the tensor that backward started from; 1 without a scaler."""
    where: Where
    """Line of backward()."""
    made_at: Where = field(default_factory=Where)
    """Line that computed the loss, when it was seen."""
    node: str = ""
    """Autograd nodes from the loss inwards, at most six, such as `MseLossBackward0`, joined by ` < `."""
    requires_grad: bool = True
    elements: int = 1


@dataclass(slots=True)
class ClipRecord:
    """One call that clips gradients."""

    function: str
    limit: float
    norm: float
    """Total norm before, as it stood in the gradients (still times the loss scale if `scaled`)."""
    scaled: bool
    """The gradients were still multiplied by a loss scale other than 1."""
    covers: float
    """Share of the optimizer's parameters that were handed to the call."""
    where: Where


@dataclass(slots=True)
class StepRecord:
    """One update of one optimizer."""

    number: int
    """Of this optimizer within its phase, from 0."""
    phase: str
    optimizer: int
    loss: float
    """Sum of the losses whose gradients this update uses (accumulation, a GAN's two halves); NaN when none was seen."""
    losses: list[LossRecord]
    rates: list[float]
    """Learning rate of each parameter group."""
    grad_norm: float
    """Total norm, unscaled and before clipping."""
    applied_norm: float
    """Total norm of the gradients that the optimizer used."""
    update_norm: float
    """Norm of the change of the parameters; 0 if the step was skipped."""
    parameter_norm: float
    """Of the parameters after the update."""
    predicted: float
    """Decrease of the loss that the gradient predicts for this update, -g.(new - old)."""
    clips: list[ClipRecord]
    cleared: bool | None
    """False if gradients of the update before were still there when new ones came; None if not known."""
    misplaced_clips: list[ClipRecord] = field(default_factory=list)
    """Clipping after the step before and before any backward of this one."""
    scale: float = 1.0
    """Loss scale of the gradient scaler."""
    moved_since: float = 0.0
    """Norm of what changed the parameters between the update before and this one, beside optimizers."""
    skipped: bool = False
    """A gradient scaler left the update out because of inf or NaN."""
    still_scaled: bool = False
    """The gradients that were applied had never been divided by the loss scale."""
    batch_hash: str = ""
    """Digest of what the model received; equal when the batch was the same."""
    parameter_hash: str = ""
    """Digest of norms of the parameters after the update: ranks must agree."""
    mingled: bool = False
    """Among the gradients are those of a loss that another optimizer had stepped for already."""
    seconds: float = 0.0
    where: Where = field(default_factory=Where)


@dataclass(slots=True)
class ParameterRecord:
    """One parameter of a model, over the baseline."""

    name: str
    """As in named_parameters() of the model, with the class of the model before it when there are several."""
    shape: list[int]
    dtype: str
    model: int
    optimizer: int | None
    """Index of the optimizer that holds it; None if none does."""
    requires_grad: bool
    layer: str = ""
    """Class of the module that owns it."""
    position: int = -1
    """Order in which its module first ran in the forward pass; -1 if it was not called."""
    gradients: int = 0
    """Steps of the baseline with a gradient other than None and 0."""
    norms: list[float] = field(default_factory=list)
    """Norm of its gradient at each step of the baseline, unscaled, before clipping; 0 without gradient."""
    moved: float = 0.0
    """Share of its elements that an update of the baseline changed (the largest over the steps)."""
    change: float = 0.0
    """Sum of the norms of its changes over the baseline: the length of its path."""
    norm: float = 0.0
    alike: bool = False
    """All rows are the same after the last step, one row for each unit: the units compute, and learn, the same."""
    gain: float | None = None
    """Root mean square before the first update, times the square root of the inputs of a unit; of linear and
    convolutional layers."""
    influences: bool | None = None
    """Whether the loss moves when it is changed; asked only of parameters without gradient."""


@dataclass(slots=True)
class ModelRecord:
    """A module whose parameters an optimizer holds."""

    name: str
    """Class name."""
    parameters: int
    """Number of elements."""
    trainable: int
    optimizers: list[int]
    training: bool
    """Train mode at the last forward pass."""
    where: Where = field(default_factory=Where)
    """Definition of its class."""
    batch_coupled: list[str] = field(default_factory=list)
    """Layers whose output depends on the rest of the batch (BatchNorm)."""
    idle: list[str] = field(default_factory=list)
    """Layers that do something else in train mode, while the whole model is in eval mode."""
    dropouts: dict[str, float] = field(default_factory=dict)
    """Probability of each dropout, by its name in the model."""
    norm_momenta: dict[str, float] = field(default_factory=dict)
    """Momentum of each batch normalization with running statistics, by its name in the model."""
    repeated: list[str] = field(default_factory=list)
    """Containers that hold the same layer, with its weights, more than once."""


@dataclass(slots=True)
class OptimizerRecord:
    """An optimizer that stepped."""

    name: str
    rates: list[float]
    weight_decay: float
    parameters: int
    """Number of elements."""
    where: Where
    """Line of step()."""
    duplicates: int = 0
    """Parameters held by more than one of its groups or by another optimizer too."""
    peak_rates: list[float] = field(default_factory=list)
    """What a schedule multiplies, `initial_lr` of each group; empty without a schedule."""
    highest_rate: float | None = None
    """The largest that a schedule will ever give, where it can be asked (LambdaLR, OneCycleLR); None otherwise."""
    schedule_over: int | None = None
    """Updates after which a schedule has brought the rate below a hundredth of its peak; None if it never does."""
    betas: list[float] = field(default_factory=list)
    """Decay of Adam's averages of gradients, and of their squares."""
    maximize: bool = False
    decoupled: bool = False
    """Weight decay shrinks the weights (AdamW); else it is added to the gradients."""
    first_length: float | None = None
    """Length of the very first update over that of the parameters before it; None where that says nothing."""
    follows: list[float] = field(default_factory=list)
    """Share of the first update that copies of its weights took over: rates of averages and target networks."""
    average_still: str = ""
    """What is called an average of its weights, and has not moved while they did."""
    renewed: int = 0
    """How often another one of its kind took its place, over the same parameters."""
    thrown: int = 0
    """Backward passes whose gradients were cleared before a step could use them."""


@dataclass(slots=True)
class NonFinite:
    """The first NaN or infinity of its kind."""

    what: str
    """`loss`, `gradient`, `parameter`, `input`, `activation` (a module's output)."""
    step: int = 0
    """Index in `Record.steps`."""
    value: str = "nan"
    """`nan` or `inf`."""
    name: str = ""
    """The parameter, the input, the module (dotted path)."""
    operation: str = ""
    """The operation of torch that had finite inputs and a non-finite output."""
    module: str = ""
    where: Where = field(default_factory=Where)
    during: str = "forward"


@dataclass(slots=True)
class Keeper:
    """What keeps the best weights of a run."""

    kind: str
    """Such as `ModelCheckpoint`."""
    monitor: str
    """Name of the number that it looks at."""
    more: bool
    """Whether more of it is taken to be better."""
    never: bool = False
    """It begins with an infinity that nothing surpasses."""
