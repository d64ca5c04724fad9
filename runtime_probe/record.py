"""What one process of a probed run observed, as plain data.

The tap writes a record, the checks read it; they may be in different processes, and in different
environments. So this module needs neither torch nor anything outside the standard library, and
everything in a record goes through JSON. Numbers are Python floats, NaN and infinity included.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

# The phases of a session, in their order; a phase that was not needed does not occur.
WARM_UP = "warm-up"
"""Steps as the script would do them; the first has the script's own batch, the others are replayed."""
BASELINE = "baseline"
"""The ten steps, each on the same batch and with the same random draws."""
SETTLE = "settle"
"""One more iteration, for the loss after the last step."""
REPEAT = "repeat"
"""An iteration with the weights of the one before: its loss shows what replay leaves to chance."""
NUDGE = "nudge"
"""An iteration after a tiny step against the gradient: the loss must fall as the gradient predicts."""
INFLUENCE = "influence"
"""An iteration with parameters changed that get no gradient: does the loss depend on them?"""
FORCED_TIME = "forced time"
"""An iteration in which uniform draws give the ends of their range: which flow times reach the model?"""
OTHER_NOISE = "other noise"
"""An iteration in which normal draws have the other sign: does the noise reach the model, or only the target?"""
ZEROED = "zeroed inputs"
"""Ten steps from the start of the baseline with every input of the model set to zero."""
TRACE = "trace"
"""An iteration repeated with every operation watched, to find where NaN or infinity begins."""


@dataclass(slots=True)
class Where:
    """A line of the user's code; empty path when no such line was on the stack."""

    path: str = ""
    line: int = 0
    function: str = ""

    def __str__(self) -> str:
        return f"{self.path}:{self.line}" if self.path else "(outside your code)"


@dataclass(slots=True)
class EventRecord:
    """One event of the shared vocabulary (`convdiag_lint.events.EventKind`, by value)."""

    kind: str
    where: Where
    step: int
    """Position in `Record.steps` of the update that it belongs to (the next one)."""
    optimizer: int | None = None
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class TensorStatistics:
    """Statistics of a tensor over all but one dimension.

    `mean`, `std`, `minimum`, `maximum`, `outlier` have one entry for each feature: the last dimension
    of (n, d) and (n, t, d), the channel of (n, c, h, w), one for (n,). At most 512 features are kept.
    """

    role: str
    """`model input`, `first layer` (what reached the first layer with weights), `target`, `output`, `batch`."""
    name: str
    """Argument, key or layer."""
    shape: list[int]
    dtype: str
    rows: int
    """Values per feature that the statistics rest on."""
    mean: list[float] = field(default_factory=list)
    std: list[float] = field(default_factory=list)
    minimum: list[float] = field(default_factory=list)
    maximum: list[float] = field(default_factory=list)
    outlier: list[float] = field(default_factory=list)
    """Largest robust z-score of each feature, |x - median| / (1.4826 * MAD); 0 where MAD is 0."""
    integral: bool = False
    """Whether all values are whole numbers."""
    distinct: int = 0
    """Number of distinct values, counted for integers up to 1e6 values; 0 if not counted."""
    nonfinite: int = 0
    layer: str = ""
    """Class of the layer that received it (`first layer` only), such as Linear, Conv2d, Embedding."""
    samples: int = 0
    """Size of the first dimension of a model's input, where it has two or more."""
    same: bool = False
    """All samples are the same, and hold more than one value."""
    where: Where = field(default_factory=Where)


@dataclass(slots=True)
class LossCall:
    """One call of a loss function of torch, or a difference of prediction and target."""

    function: str
    """`cross_entropy`, `mse_loss`, ... or `subtract` for a difference that was squared or made absolute."""
    value: float
    where: Where
    input_shape: list[int]
    target_shape: list[int]
    input_minimum: float = 0.0
    input_maximum: float = 0.0
    target_minimum: float = 0.0
    target_maximum: float = 0.0
    target_dtype: str = ""
    made_by: str = ""
    """Name of the autograd node that made the input, such as SoftmaxBackward0, TanhBackward0."""
    sums_to_one: bool = False
    """The input is not negative and sums to 1 over the class dimension: probabilities."""
    log_normalized: bool = False
    """The exponential of the input sums to 1 over the class dimension: log-probabilities."""
    classes: int = 0
    """Size of the class dimension of cross_entropy and nll_loss; 0 otherwise."""
    classes_seen: int = 0
    """Distinct targets."""
    top_share: float = 0.0
    """Share of targets that falls in the fullest tenth of the classes."""
    weighted: bool = False
    """Class weights or label smoothing: the value at the start is not ln C."""
    target_learns: bool = False
    """The target depends on parameters, too, and is not detached."""
    scrambled: bool = False
    """One prediction is put together from numbers of several outputs of the model."""
    step: int = 0


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
    maximize: bool = False
    decoupled: bool = False
    """Weight decay shrinks the weights (AdamW); else it is added to the gradients."""
    first_length: float | None = None
    """Length of the very first update over that of the parameters before it; None where that says nothing."""
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
class Leakage:
    """A sample, or the last time step, was changed: did outputs move that must not?"""

    kind: str
    """`samples` or `time`."""
    model: str
    moved: float
    """Largest change in outputs that must not move, relative to the change of those that may."""
    detail: str = ""
    how: str = "cut"
    """How the first dimension is known to be the batch, and not one of nodes or of time: a cut batch has `cut` it,
    an input with one number for each sample or the shift of the targets have `told`, or it is a `guess`."""


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
    velocity_agreement: float | None = None
    """Cosine between the target and the direction in which the noised sample moves with the time of the model."""
    noise_reaches_model: bool | None = None
    """Whether an input of the model changes with the noise that was drawn, beside its time."""
    leakage: list[Leakage] = field(default_factory=list)


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


@dataclass(slots=True)
class Batch:
    """What the loaders handed out."""

    loaders: int = 0
    """Loaders that were iterated while training."""
    original: int = 0
    """Batch size of the script."""
    size: int = 0
    """Batch size of the replayed batch; 0 without a loader."""
    reason: str = ""
    """Why the batch could not be cut, when it could not."""
    keys: list[str] = field(default_factory=list)
    made_up: bool = False
    """The probe drew it at random, for a file that came without data."""
    timestamps: dict[str, list[float]] = field(default_factory=dict)
    """Leaves of the batch whose key speaks of time stamps, in seconds, at most 4096 values: one for each sample, or the
    sequence of the first sample."""
    first_timestamps: dict[str, list[float]] = field(default_factory=dict)
    """Of those that hold a sequence for each sample: the first stamp of each."""


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


@dataclass(slots=True)
class Features:
    """What tells the loss family; counts of calls during the step that was watched closely."""

    loss_functions: list[str] = field(default_factory=list)
    calls: dict[str, int] = field(default_factory=dict)
    """`rand`, `randn`, `randint`, `sample`, `log_prob`, `environment`, `kl`, `scaled noise` (by the model) ..."""
    time_argument: str = ""
    """Argument of the model that looks like a flow or diffusion time."""
    time_integral: bool = False
    token_input: bool = False
    """The first layer is an Embedding."""
    loads: int = 0
    """Weights that were read: calls of torch.load, load_state_dict and safetensors."""
    planned_steps: int | None = None
    """Updates that the script means to make, where it says so."""
    targets_are_shifted: bool = False
    """The targets are the inputs, one position on."""
    targets_are_shifted_twice: bool = False
    """The targets are the inputs, two positions on."""
    targets_are_inputs: bool = False
    """The targets are the inputs, position by position: nothing is left to predict."""
    uniform_noise: Where | None = None
    """Where noise that was drawn by rand is mixed with data of the same shape."""
    noise_std: float | None = None
    """Standard deviation of the drawn noise that has the shape of the target."""
    data_std: list[float] = field(default_factory=list)
    """Standard deviation of each dimension of the data that was mixed with that noise."""
    finite_checks: list[Where] = field(default_factory=list)
    autocast: str = ""
    """dtype of autocast in a forward pass, `` without."""
    anomalies: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Crash:
    """How the script ended when it ended badly."""

    type: str
    message: str
    traceback: str
    where: Where = field(default_factory=Where)


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
    linear_pairs: list[str] = field(default_factory=list)
    """Linear layers whose output went into another as it was, `Policy.net.0 > Policy.net.1`; bottlenecks left out."""
    policy_correlations: list[float] = field(default_factory=list)
    """What an update does to the log-probability of each action, correlated with its return; one for each update."""
    nonfinite: list[NonFinite] = field(default_factory=list)
    experiments: Experiments = field(default_factory=Experiments)
    phases: list[PhaseRecord] = field(default_factory=list)
    batch: Batch = field(default_factory=Batch)
    rewards: Rewards = field(default_factory=Rewards)
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
