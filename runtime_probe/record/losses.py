"""What losses compare, and what they want of it: calls, pulls, masks, padding, pairs, latents."""

from __future__ import annotations

from dataclasses import dataclass, field

from runtime_probe.record.events import Where


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
    ignored_pixels: float = 0.0
    """Share of the labels of masks (N, H, W) that is ignored, though it is a class of the head."""
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
class MaskRecord:
    """A mask of the batch, or, without a name, the ends of target sequences that are filled up with zeros."""

    part: str
    """Key of the batch."""
    boolean: bool
    dimensions: int
    share: float = 0.0
    """Of its elements that are 1."""
    variable: str = ""
    """What the script calls it."""
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
