"""What tells the loss family, and what was seen of the script while it was watched closely."""

from __future__ import annotations

from dataclasses import dataclass, field

from runtime_probe.record.events import Where
from runtime_probe.record.losses import MiningRecord


@dataclass(slots=True)
class Times:
    """Times of a flow or diffusion model that a batch has drawn."""

    samples: int
    distinct: int
    commonest: float
    """Share of the samples that have the commonest one."""


@dataclass(slots=True)
class MixRecord:
    """How noised samples were made of data and noise, beside the times that the model was given."""

    samples: int
    in_order: bool
    """The share of the noise goes one way with the time."""
    grows: bool
    """It grows."""
    straight: bool
    """The shares of data and noise add up to 1, and not their squares."""


@dataclass(slots=True)
class RowsMoved:
    """Rows of a part of the batch that were brought into another order than those of the others, or mixed with them."""

    of: str
    """"an input" or "a target"; empty where samples were mixed with each other, and their targets were not."""
    where: Where = field(default_factory=Where)


@dataclass(slots=True)
class Sampler:
    """A line of a loop that takes the answer of a model for something."""

    kind: str
    """`noise` or `velocity`."""
    where: Where = field(default_factory=Where)


@dataclass(slots=True)
class Unlearnt:
    """An output (..., D) of a model, some of whose dimensions no backward pass has reached with anything but 0."""

    name: str
    dimensions: list[int]
    width: int
    rows: int
    """Of the output in the script's own batch."""
    where: Where = field(default_factory=Where)
    """backward()"""


@dataclass(slots=True)
class LeftOut:
    """A line that puts a constant in place of what some samples hold, by chance."""

    where: Where
    lost: int = 0
    samples: int = 0


@dataclass(slots=True)
class WrongAxis:
    """A recurrent layer for which neighbouring steps are strangers, and neighbouring samples resemble each other."""

    layer: str
    shape: list[int]
    """Of what it was given."""
    steps: int
    """Dimension that it runs along."""
    where: Where


@dataclass(slots=True)
class Features:
    """What tells the loss family; counts of calls during the step that was watched closely."""

    loss_functions: list[str] = field(default_factory=list)
    calls: dict[str, int] = field(default_factory=dict)
    """`rand`, `randn`, `randint`, `sample`, `log_prob`, `environment`, `kl`, `scaled noise` (by the model) ..."""
    time_argument: str = ""
    """Argument of the model that looks like a flow or diffusion time."""
    time_integral: bool = False
    times: Times | None = None
    """Of the script's own batch."""
    noised_targets: list[str] = field(default_factory=list)
    """What losses of noised data compare with: `noise`, `data`, a `difference` of the two; empty if unknown."""
    samplers: list[Sampler] = field(default_factory=list)
    target_is_given: Where | None = None
    """A loss compares with the very sample, noise and all, that the model is given."""
    one_position: int = 0
    """Positions of each sequence, where the loss of a language model takes one of them."""
    targets_lie_behind: bool = False
    """Targets are the input tokens, one position back."""
    same_position: Where | None = None
    """All positions of a sequence are looked up in one row of a table that has one for each."""
    mix: MixRecord | None = None
    """None where no sample was seen to be noised."""
    token_input: bool = False
    """The first layer is an Embedding."""
    loads: int = 0
    """Weights that were read: calls of torch.load, load_state_dict and safetensors."""
    average_without_statistics: str = ""
    """An average of the weights whose batch normalizations stand at their start while those of the model moved."""
    planned_steps: int | None = None
    """Updates that the script means to make, where it says so."""
    accumulated: int = 1
    """Batches for each update."""
    targets_are_shifted: bool = False
    """The targets are the inputs, one position on."""
    targets_are_shifted_twice: bool = False
    """The targets are the inputs, two positions on."""
    targets_are_inputs: bool = False
    """The targets are the inputs, position by position: nothing is left to predict."""
    top_gradient: float | None = None
    """Share of the largest element in the gradient at a model's output, in the first step; None for few elements."""
    attention: bool = False
    """Pairs of a sequence were weighed."""
    attention_axis: Where | None = None
    """Where weights were made that add up to 1 along another dimension than that which was summed over."""
    entropy_gradients: list[float] = field(default_factory=list)
    """Derivative of each loss by the entropy of a distribution of the script: negative where it is to grow."""
    end_not_learnt: int | None = None
    """The token that follows all that a language model learns, and is ignored; None without one."""
    answers_ignored: bool = False
    """A language model learns how rows begin, and what follows is ignored."""
    never_in_eval: list[Where] = field(default_factory=list)
    """Evaluations that the script writes, where nothing in it sets the mode of any model."""
    left_out: list[LeftOut] = field(default_factory=list)
    unlearnt: list[Unlearnt] = field(default_factory=list)
    """Outputs of models that some dimensions of get a gradient, and others never."""
    rows_moved: RowsMoved | None = None
    unanswered: Where | None = None
    """Where an output of a model is compared with a target that counts in the loss, and gets no gradient."""
    wrong_axis: WrongAxis | None = None
    """A recurrent layer that runs over samples."""
    state_detached: Where | None = None
    """Where a recurrent layer is called again and again, each time with a state that no gradient goes back through."""
    changed_behind: Where | None = None
    """Where what a layer had computed was changed through `.data`: its gradient is that of something else."""
    misassigned: Where | None = None
    """backward() of a loss that compares outputs with the right classes at the wrong places."""
    errors_cancel: Where | None = None
    """backward() of a loss whose gradient is the same for predictions above and below their targets."""
    boundless: list[Where] = field(default_factory=list)
    """backward() of each loss that drove an output one way, by as much as another one missed its target."""
    views_compared: bool = False
    """Embeddings of two views were compared with each other."""
    views_alike: Where | None = None
    """Where two views whose embeddings are compared are one and the same."""
    likelihood_of_all: Where | None = None
    """Where the log-probabilities of a whole batch, as one number, meet one number for each sample."""
    probabilities_as_logits: Where | None = None
    """log_prob() of a distribution whose logits came out of a softmax."""
    sampled_into: Where | None = None
    """sample() of a distribution that a model has made, where the sample goes on into another layer."""
    mixed_reductions: Where | None = None
    """Where a term of a loss is a sum over the batch, beside one that is a mean over it."""
    mining: MiningRecord | None = None
    """None where no loss was seen that compares each sample of a batch with each."""
    only_turned: Where | None = None
    """backward() of a loss that leaves the length of outputs alone, where targets differ in length."""
    only_together: Where | None = None
    """backward() of a loss that wants nothing of the embeddings of two views than that they are alike."""
    uniform_noise: Where | None = None
    """Where noise that was drawn by rand is mixed with data of the same shape."""
    other_noise: Where | None = None
    """Where a loss compares with noise that is not the noise that was mixed with the data."""
    late_likeness: float | None = None
    """Correlation of what a diffusion model is given at the latest of its times with the data."""
    noise_std: float | None = None
    """Standard deviation of the drawn noise that has the shape of the target."""
    data_std: list[float] = field(default_factory=list)
    """Standard deviation of each dimension of the data that was mixed with that noise."""
    draws_compared: bool = False
    """Random numbers were drawn in two steps that were watched."""
    draws_repeated: Where | None = None
    """Line of the first draw of a step all of whose draws the step before had, too."""
    finite_checks: list[Where] = field(default_factory=list)
    autocast: str = ""
    """dtype of autocast in a forward pass, `` without."""
    anomalies: list[str] = field(default_factory=list)
