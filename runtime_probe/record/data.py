"""What went into the model and the loss: tensors, batches, rewards, and what tells the loss family."""

from __future__ import annotations

from dataclasses import dataclass, field

from runtime_probe.record.events import Where


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
    sentinel: list[float] = field(default_factory=list)
    """For each feature: share of the rows that hold one and the same value, far from all others; 0 without one."""
    integral: bool = False
    """Whether all values are whole numbers."""
    distinct: int = 0
    """Number of distinct values, counted for integers up to 1e6 values; 0 if not counted."""
    nonfinite: int = 0
    layer: str = ""
    """Class of the layer that received it (`first layer` only), such as Linear, Conv2d, Embedding."""
    samples: int = 0
    """Size of the first dimension of a model's input, where it has two or more."""
    top_share: float = 0.0
    """Share of the most frequent token, padding left out; of what is looked up in an embedding."""
    zero_rows: float = 0.0
    """Share of the rows of a model's input (n, d) that are nothing but 0."""
    interleaved: bool = False
    """Images whose colours stand side by side, (H, W, C) cut anew as (C, H, W)."""
    same: bool = False
    """All samples are the same, and hold more than one value."""
    one_pixel: float = 0.0
    """Share of the most frequent number in pictures that reach a first layer."""
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
    narrow: list[int] = field(default_factory=list)
    """Columns of targets (N, D) that stay within a small share of the classes, beside some that use nearly all."""
    likeness: float | None = None
    """Correlation of the input (N, M) with the cosines of the embeddings that it was made of; None without any."""
    scale: float | None = None
    """What the cosines are multiplied by, where the input is nothing else than that."""
    own_candidate: bool = False
    """Each sample is its own likeliest candidate, and another one is the target."""
    weights_follow: float | None = None
    """Rank correlation of the class weights with how often the classes occur; None without weights."""
    smoothing: float = 0.0
    """Label smoothing: what is taken from the true class and shared out among all."""
    ignored: float = 0.0
    """Share of labels, one for each sample, that is ignored."""
    weighted: bool = False
    """Class weights or label smoothing: the value at the start is not ln C."""
    swapped: bool = False
    """A loss that is not the same both ways is given the target as its input, and the prediction as its target."""
    target_learns: bool = False
    """The target depends on parameters, too, and is not detached."""
    reward_share: float | None = None
    """Share of the targets that are just the reward of the same sample; None where no reward is at hand to compare."""
    scrambled: bool = False
    """One prediction is put together from numbers of several outputs of the model."""
    step: int = 0


@dataclass(slots=True)
class Padding:
    """Padding of the token sequences that a model was given."""

    token: int
    within: float = 0.0
    """Share of the tokens between the first and the last one of their sequence that are the embedding's padding."""
    only: bool = False
    """The loss depends on padding, and on no other token behind the first."""
    attended: bool = False
    """The loss depends on padding, too."""
    in_loss: float = 0.0
    """Share of padding among the targets, where it counts in the loss."""
    where: Where = field(default_factory=Where)
    """Line of that loss."""


@dataclass(slots=True)
class MaskRecord:
    """A mask of the batch, or, without a name, the ends of target sequences that are filled up with zeros."""

    part: str
    """Key of the batch."""
    boolean: bool
    dimensions: int
    share: float = 0.0
    """Of its elements that are 1."""
    variable: str = ""
    """What the script calls it, where it is one number for each sample."""
    used: bool = True
    """A model is given it, a loss is computed from it, or the script has looked at it."""
    filled: bool | None = None
    """On which of its sides targets are all the same; None where that is not so."""
    marked: float = 0.0
    """Mean gradient at the predictions where it is 1."""
    unmarked: float = 0.0
    """The same where it is 0."""
    where: Where = field(default_factory=Where)
    """Line of the loss that compared them."""


@dataclass(slots=True)
class PullRecord:
    """How a loss pulls the output of a model towards a part of the batch that no model was given."""

    output: str
    part: str
    """Key of the batch."""
    towards: float
    """1: towards it, -1: away from it, 0: neither."""
    where: Where
    """Line of backward(), or the line that computed the term."""
    step: int = 0
    term: bool = False
    """Of one term of the sum that the loss is."""
    distance: bool = False
    """Both were compared by a loss that nobody maximizes: an error, squared or absolute."""
    numbers: int = 0
    """Numbers that were correlated, of an output of a model and what may be its target; 0 where a loss compares the
    two, and where the target is classes."""


@dataclass(slots=True)
class Judged:
    """An argument of a network that judges: what another network makes for it, and what it learns from."""

    argument: str
    """As in `Critic(action)`."""
    made_by: str = ""
    """Name of the autograd node that made it, such as TanhBackward0."""
    minimum: float | None = None
    """Of what comes from the data; None while it has seen none."""
    maximum: float | None = None


@dataclass(slots=True)
class Relation:
    """What a part of a data set that is a target has to do with the inputs, asked of stretches of the data set."""

    part: str
    """Key of the batch."""
    samples: int
    dependence: float
    """Standard deviations by which it depends on the inputs more than shuffled rows do."""
    before: float
    """Share of it that a linear fit leaves open, from the input of the sample before."""
    same: float
    """The same from its own input."""
    after: float
    """The same from the input of the sample after."""


@dataclass(slots=True)
class Augmentation:
    """What a data set did to pictures when it was asked for the same samples again, and to a target with them."""

    part: str
    """Key of the batch: the pictures."""
    target: str
    turn: str
    """Such as `flipped left to right`."""
    spatial: bool
    """The target is a picture, too: a mask, a depth image, heat maps."""
    numbers: int = 1
    """Elements of the target of one sample."""
    whole: bool = False
    """The target holds whole numbers: classes, bins."""
    pairs: int = 0
    """Draws in which the pictures of a sample came back turned."""
    unmoved: int = 0
    """Those in which its target came back as it was."""
    elsewhere: int = 0
    """Those in which rows came back in another order, and the row that the target points to was another one."""


@dataclass(slots=True)
class HeldOut:
    """An input of another data set, beside that of training."""

    part: str
    """Key of the batch."""
    dataset: str
    """Class of the other one."""
    ratio: float
    """Of the standard deviations, the median over the features; 1 where they are alike."""
    shift: float
    """Of the means, in standard deviations."""


@dataclass(slots=True)
class Copies:
    """What is in a data set more than once, asked of stretches of it."""

    repeated: float = 0.0
    """Share of the samples that are copies of another one."""
    still: str = ""
    """Key of an input in whose histories no step differs from the first."""
    answered: str = ""
    """Key of a target that is among the inputs, number by number."""


@dataclass(slots=True)
class MiningRecord:
    """What a loss does to pairs of labelled samples that were compared each with each."""

    where: Where
    push_same: float
    """Share of what it pushes apart that has one label."""
    pull_other: float
    """Share of what it pulls together that has different labels."""
    pushes: bool = True
    pulls: bool = True
    ease: float | None = None
    """Rank of the negatives that are picked: 0 the nearest, 1 the farthest; None where it takes all of them."""


@dataclass(slots=True)
class AskedOutside:
    """An argument that a model got without gradients, beside what it got in training."""

    part: str
    """Name of the argument."""
    model: str
    """Class of the module."""
    where: Where
    ratio: float
    """Of the standard deviations, the median over the features; 1 where they are alike."""
    shift: float
    """Of the means, in standard deviations."""
    unscaled: bool
    """Means and standard deviations among the script's variables account for the difference."""
    acting: bool
    """An environment stepped between the calls: its states drift away from those of demonstrations."""


@dataclass(slots=True)
class Keeper:
    """What keeps the best weights of a run."""

    kind: str
    """Such as `ModelCheckpoint`."""
    monitor: str
    """Name of the number that it looks at."""
    more: bool
    """Whether more of it is taken to be better."""


@dataclass(slots=True)
class Batch:
    """What the loaders handed out."""

    loaders: int = 0
    """Loaders that were iterated while training."""
    original: int = 0
    """Batch size of the script."""
    size: int = 0
    """Batch size of the replayed batch; 0 without a loader."""
    in_order: bool = False
    """The loader goes through its data set from the first sample to the last, in several batches."""
    limits: list[str] = field(default_factory=list)
    """Settings of a trainer that leave data out, such as `overfit_batches=1`."""
    share: float | None = None
    """Of the whole data set, where the loader has a Subset of it."""
    reason: str = ""
    """Why the batch could not be cut, when it could not."""
    keys: list[str] = field(default_factory=list)
    sampler_follows: float | None = None
    """Rank correlation of the weights of a sampler with how many samples share them; None where it has none."""
    same: str = ""
    """The largest part of the script's batch, if it is the same for all samples."""
    changed: str = ""
    """Attribute of the data set that holds other numbers after samples were read a second time."""
    made_up: bool = False
    """The probe drew it at random, for a file that came without data."""
    timestamps: dict[str, list[float]] = field(default_factory=dict)
    """Leaves of the batch whose key speaks of time stamps, in seconds, at most 4096 values: one for each sample, or the
    sequence of the first sample."""
    first_timestamps: dict[str, list[float]] = field(default_factory=dict)
    """Of those that hold a sequence for each sample: the first stamp of each."""


@dataclass(slots=True)
class LatentRecord:
    """What a loss wants of the mean of a latent beside the reconstruction."""

    likeness: float
    """Cosine of that gradient with the mean: 1 where it is drawn to a standard normal prior, -1 away from it."""
    weight: float
    """Its size beside that of the gradient that comes through the sample."""
    where: Where


@dataclass(slots=True)
class Latents:
    """Samples that a model draws around what it says."""

    priors: list[LatentRecord] = field(default_factory=list)
    negative_scale: Where | None = None
    """Where noise was multiplied by a standard deviation below 0."""


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
class Features:
    """What tells the loss family; counts of calls during the step that was watched closely."""

    loss_functions: list[str] = field(default_factory=list)
    calls: dict[str, int] = field(default_factory=dict)
    """`rand`, `randn`, `randint`, `sample`, `log_prob`, `environment`, `kl`, `scaled noise` (by the model) ..."""
    time_argument: str = ""
    """Argument of the model that looks like a flow or diffusion time."""
    time_integral: bool = False
    times: Times | None = None
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
    """Of the script's own batch."""
    token_input: bool = False
    """The first layer is an Embedding."""
    loads: int = 0
    """Weights that were read: calls of torch.load, load_state_dict and safetensors."""
    planned_steps: int | None = None
    accumulated: int = 1
    """Batches for each update."""
    """Updates that the script means to make, where it says so."""
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
    targets_reordered: Where | None = None
    """Where rows of a target were brought into another order than that of the inputs."""
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
