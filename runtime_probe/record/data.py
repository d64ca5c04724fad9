"""What went into the model: tensors, batches, and what was asked of data sets."""

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
class TakenApart:
    """Two parts of a batch that a collate_fn has brought into different orders."""

    sorted: str
    """In an order of its own."""
    left: str
    """In the order of the samples."""


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
    cut_off: str = ""
    """Array of whole numbers in the data set, of which the script has another one with fractions."""
    taken_apart: TakenApart | None = None
    seeded: str = ""
    """Package whose seed is set by reading a sample: `torch`, `random` or `numpy.random`."""
    made_up: bool = False
    """The probe drew it at random, for a file that came without data."""
    timestamps: dict[str, list[float]] = field(default_factory=dict)
    """Leaves of the batch whose key speaks of time stamps, in seconds, at most 4096 values: one for each sample, or the
    sequence of the first sample."""
    first_timestamps: dict[str, list[float]] = field(default_factory=dict)
    """Of those that hold a sequence for each sample: the first stamp of each."""


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
    row_by_row: float | None = None
    """As `dependence`, beside rows that are shuffled among their neighbours; None where neighbours are all alike."""


@dataclass(slots=True)
class MapFit:
    """How maps that are targets lie over the pictures of their samples: correlations of borders and edges."""

    part: str
    """Key of the batch: the maps."""
    samples: int
    stays: float = 0.0
    """Correlation as they are, less that with other samples."""
    turn: str = ""
    """What must be done to them to fit far better, such as `transposed`; empty where nothing must."""
    fits: float = 0.0
    """Correlation after that."""
    dependence: float | None = None
    """Standard errors by which labels have more to do with their own picture than with others."""
    blended: float = 0.0
    """Share of the borders between labels two or more apart that a thin line of a label in between runs along."""


@dataclass(slots=True)
class ClassesUnseen:
    """Classes of a head that no sample has a label of."""

    part: str
    """Key of the batch: the labels."""
    classes: int
    """Outputs of the head."""
    missing: list[int]
    samples: int
    """That were read, from all over the data set."""


@dataclass(slots=True)
class Dropout:
    """Steps of the sequences of a data set that hold a stand-in for what was not measured."""

    part: str
    """Key of the batch."""
    share: float
    """Of the steps that leave their course for one and the same place, and come back."""
    dimensions: list[int]
    """Features that do."""
    samples: int
    """Sequences that were looked at."""


SHIFTED = "shifted"
"""What was done to a picture that was cropped, or moved to a side."""


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
    handed: str = ""
    """Names of two classes, or keypoints, that are each other's mirror image, where the target holds one."""
    elsewhere: int = 0
    """Those in which rows came back in another order, and the row that the target points to was another one."""


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
