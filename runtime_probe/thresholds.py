"""Every number that decides a verdict, with its source.

Sources: the seed (the text that this project implements; its sentence is quoted), an arXiv id, or
"measured": on 22 healthy training configurations with 20 seeds each at batch 4 and on broken twins of
them. Where none of these gives a number, the reason for ours is said.
"""

from __future__ import annotations

# 1. Data

RAW_MAGNITUDE = 1e3
"""|mean| or std of a feature at the first layer. Seed: "the network receives inputs of magnitude 10^3 or 10^4"."""
RAW_GROSS = 1e5
"""A hundred times that: no return of an episode is so large without a mistake."""
MIXED_MAGNITUDE = 100.0
"""A feature this large beside one a hundred times smaller: two units (mm and rad) in one input."""
UNSCALED_MAGNITUDE, UNSCALED_RATIO = 20.0, 10.0
"""A feature this large, where a loss measures progress, beside one so many times smaller is worth a word. Measured in
61 healthy programs: 1.5 and less."""
IMAGE_BYTE = 100.0
"""Whole numbers from 0 to beyond this at a convolution are bytes of an image; normalized images end at 3."""
IMAGE_LEVEL = 30.0
"""|mean| or std of a channel: pictures of 8 bits have 50 to 130, normalized ones less than 3."""
FAINT = 0.02
"""Largest |x| of an input. A picture that is divided by 255 twice ends at 0.004; joint velocities of 0.2 rad/s are ten
times larger."""
OFF_CENTRE = 20.0
"""|mean| over std of every feature: what varies is lost beside what does not."""
SCALE_RATIO = 100.0
"""Between standard deviations of dimensions. Seed: std of 0.01 and 2.0, "an MSE loss will effectively ignore the
first dimension": the share in the loss goes with the square of the ratio."""
SCALE_HINT = 20.0
"""Of targets, with enough rows to know: a share in a squared error that is 400 times smaller is worth a word."""
CONSTANT_TARGETS = 16
"""Fewer targets may be alike by chance."""
FEW_ROWS = 8
"""Below so many values of a feature a std is a guess: ratios must be ten times larger to fail, and nothing
short of that does more than warn."""
FEW_ROWS_FACTOR = 10.0
TARGET_LARGE = 20.0
"""|mean| or std of a target, where the loss measures progress: with Adam at 1e-3 an output needs as many thousand steps
to get there. Normalized targets end at about 10."""
TARGET_FAINT = 0.005
"""Largest std of a target: actions in metres at 100 Hz, that nobody normalized."""
TOP_TOKEN = 0.5
"""Of the tokens that are no padding. In text the most frequent word is 5 %, the most frequent letter, a space, 18 %."""
ZERO_ROWS = 0.5
"""Of the rows of a model's input. Ours: no healthy input of numbers with fractions has half of its rows all 0."""
EPISODES_OF_ONE_STEP = 0.5
"""Episodes for each step: a bandit has no future."""
ONLY_REWARDS = 0.9
"""Of the targets. The last step of an episode has nothing to look ahead to; ten steps make an episode."""
SUBSET = 0.05
"""Of a data set. Splits leave 50 to 95 % for training, and few-shot learning says so itself."""
SENTINEL = 0.25
"""Of the values of a dimension. More is a state, as a gripper that is closed."""
OUTLIER_SCORE = 20.0
"""Robust z-score, |x - median| / (1.4826 MAD). Seed: slips of +-50 in a range of +-3.14 rad, whose MAD is about
1.6 rad: a score of 21. Heavy-tailed but honest data stays below."""
OUTLIER_DEVIATIONS = 6.0
"""In ordinary standard deviations, which an outlier must reach as well: a cosine that mostly stands at 1 has a MAD of
almost 0 and no outliers."""
OUTLIER_ROWS = 64
"""A median of fewer values says little about the tails."""

UNRELATED = 2.5
"""Standard deviations of the dependence of shuffled rows."""

# 2. Timestamps

LATE, LATE_EXPLAINED = 0.5, 0.5
"""Share of a target that the sample before leaves open: of that which its own and the next one do, and at most."""

STAMP_SHARE = 0.25
"""Of the period, between observation and action: reported from here on."""
STAMP_SHARE_WRONG = 0.5
"""Seed: "A 50 ms misalignment at 10 Hz means 50 % of your labels are wrong": half a period."""
STAMP_JITTER = 0.5
"""Largest deviation of a spacing from the median one, as a share of it: frames were dropped or stamped late."""

# 3. Ten steps

GAIN_LOW = 0.5
"""Actual decrease over predicted decrease, median of the steps. Measured: healthy medians are 0.58 to 1.07, a rate
100 times too high is below 0.5 in 16 of 18 families, 1000 times too high below 0.01 in 17 of 18. With batch
normalization over four samples healthy ones are 0.04 to 0.70, one 1000 times too high is negative."""
GAIN_GROSS = 0.25
"""Fails by itself."""
RISES = 4
"""Of ten steps, with a gain ratio between GAIN_GROSS and GAIN_LOW: a run that falls at most steps and gets 0.4 of what
the gradient promises is fast, or picks from a codebook, and not broken."""
LEARNT = 0.1
"""Of the first loss of the script: below it the replayed samples are known by heart, and gain ratios say nothing.
Measured: they fall below 0.5 there in healthy runs with momentum, and are 0.6 and more above."""
LOSS_EXPLODES = 10.0
"""Times the loss at the start, within ten steps."""
FLAT_RELATIVE_DROP = 1e-5
"""Predicted relative decrease of the loss in one step. Measured: 1e-5 to 1e-8 for a rate 10,000 times too low, 5e-5
and more for healthy scripts (a diffusion policy with Adam at 1e-4 is the slowest)."""
SLOW_RELATIVE_DROP = 3e-5
"""3000 steps for a tenth of the loss: worth a word."""
PACE, A_RUN = 1.0, 50
"""Predicted relative decrease of one step times the updates of the run, and the updates that make a run and no trial.
Measured: 2.1 to 4500 in 31 healthy programs."""
UPDATE_TINY, UPDATE_SLOW_DROP = 1e-5, 1e-3
"""Length of an update over that of the parameters, together with a relative drop of the loss below the second.
Measured: 1e-4 to 1e-2 for healthy runs, fine-tuning at 1e-6 with Adam 5e-5."""
RATE_HALVES, RATE_GONE = 0.5, 0.1
"""Of the highest rate, within the first dozen steps: worth a word, and a schedule that is over. A run that is meant to
last a thousand steps has lost nothing by then; one of two dozen steps is no training."""
SCHEDULE_REACHES = 0.05
"""Of the optimizer's rate, at the best step of a schedule. Ours: schedules begin or peak at the rate itself."""
SCHEDULE_OVER, SCHEDULE_OVER_EARLY = 0.5, 0.1
"""Of the updates of a run. A schedule ends with it; what comes after trains nothing, or at a rate that rises again."""
WARM_UP_STANDS = 0.2
"""Of the optimizer's rate. Warm-ups start at 0 to 10 % of it, and rise with each step where they count steps."""
WARM_UP_SHARE = 0.5
"""Of the run. Recipes warm up over 1 to 10 %; beyond all of it the rate is never reached."""
UPHILL_RESOLVED = 1e-7
"""Of the loss: a predicted change below this is rounding, and its sign says nothing."""
RESOLVED = 1e-4
"""Share of the loss that a decrease must have for its gain ratio to be more than rounding in float32 (6e-8 times
the number of operations)."""
RESOLVED_HALF = 2e-2
"""The same in float16 and bfloat16, whose rounding is 1e-3 and 8e-3."""
REPEATABLE = 1e-3
"""Relative difference of one iteration run twice. Beyond it the draws were not replayed, and no two losses compare."""
REPEAT_MARGIN = 5.0
"""A decrease must be so many times what replay leaves to chance."""
NUDGE_LOW, NUDGE_HIGH = 0.7, 1.3
"""Actual over predicted decrease for a tiny step against the gradient. Measured: 1.00 in 21 of 22 healthy families,
0.7 to 1.2 for a bootstrapped target."""
NUDGE_RESOLVED = 1e-5
"""Of the largest loss: a smaller decrease is rounding, for a loss that was fitted to nothing is a difference of large
numbers."""
AWAY, NOT_TOWARDS = -0.4, 0.2
"""Mean and largest correlation of what a loss wants of an output with what the target lacks. Measured: 0.82 to 1.00
for the losses of 12 healthy programs, and for each term of a sum; -0.5 to -1.00 with a wrong sign."""
BY_CHANCE = 10.0
"""Square of a correlation times the numbers that it is of: 3.2 standard errors."""
DRAWN = 0.5
"""Mean correlation of an output that a loss draws to its target."""
TIMES_ASKED = 8
"""Samples of a batch; fewer may share a time by chance."""
TIMES_PILED, TIMES_FEW = 0.25, 4
"""Share of samples with the very same time; different times of those that are no short list."""
COPIES = 0.5
"""Share of the samples of a data set that are copies; oversampling of rare classes makes fewer of whole numbers."""
MANY_ACCUMULATED, FEW_UPDATES = 8, 30
"""Batches for an update, and updates of a run: fine-tuning makes a few hundred."""
HELD_OUT_RATIO, HELD_OUT_SHIFT = 2.5, 1.5
"""Spread over that of training, and distance of the means in standard deviations. Augmentation changes the one by less
than a half, another domain the other by less than 1."""
OUTSIDE_SHIFT = 3.0
"""The same for what a model is asked: the return that is wanted of a policy is more than what it has seen as a rule."""
ACTING_RATIO, ACTING_SHIFT = 10.0, 10.0
"""And for states that a policy has led to: an untrained one goes where no demonstration was."""
IGNORED = 0.05
"""Of labels, one for each sample."""
IGNORED_PIXELS = 0.3
"""Of the pixels of masks: borders, and what nobody has labelled, are less."""
SMOOTHING = 0.5
"""Label smoothing; 0.1 is usual (Szegedy et al., arXiv:1512.00567)."""
REPEATED_ROWS = 16
"""Rows in which two dimensions hold the same numbers."""
BLENDED = 0.3
"""Of borders between classes two or more apart. Masks that are resized bilinearly have 0.45 to 0.95, others none."""
POINTS_ELSEWHERE = 0.5
"""Of the times that rows came back in another order; some permutations are their own inverse."""
HANDED_PAIRS = 2
"""Draws in which something comes back as its mirror image and keeps its name: one may be seen wrongly."""
SHIFTED_PICTURES = 4
"""Draws of pictures that were shifted while their masks were not; one may be like another part of itself."""
DRIVEN = 2
"""Steps in which a loss drives an output one way; four samples of one step may lie on a line by chance."""
AWAY_FROM_ALL = -0.99
"""Pushed away by the same force for each number that is missing; returns differ from sample to sample."""
UPHILL_SHARE = 0.7
"""Of the steps whose update raises the loss to first order. Momentum does so for a few."""
INPUT_INDIFFERENT = 1e-4
"""Relative difference of the losses with and without inputs, at every step, below which the inputs do nothing."""
FITTED = 1e-3
"""Of the first loss: four samples are learnt by heart, and what is left says nothing."""
START_HIGH = 2.0
"""Times ln C for C classes: an untrained classifier that knows nothing has a loss of ln C."""
START_GROSS = 10.0

# 4. Gradients

GRADIENT_LOW, GRADIENT_HIGH = 1e-4, 1e0
"""Seed: "gradient norms in the range [1e-4, 1e0] across most layers"."""
LAYER_RATIO = 1e3
"""Seed: "within three orders of magnitude of each other"."""
VANISHING_RATIO = 1e4
"""Ten times the seed's three orders, falling toward the input: a fault and no longer a hint."""
VANISHING_LAYERS = 4
"""Seed: an MLP without residuals suffers "in networks deeper than four or five layers"."""
VANISHING_TREND = 0.7
"""Rank correlation of depth and norm."""
EXPLODING = 1e3
"""Seed: "gradient norms spike to 1e3 or 1e6 in certain layers"."""
EXPLODING_GROSS = 1e6
EXPLODING_GROWTH = 100.0
"""Within ten steps. A constant large norm is the scale of the loss (a sum over an episode or an image)."""
CLIP_NORM = 1.0
"""Seed: "Add clipping if norms exceed 1.0"; max_norm 1.0 is OpenVLA's default (arXiv:2406.09246)."""
CLIP_ALWAYS = 100.0
"""Median norm over limit. Clipping that acts on every step is common and fine (PPO, GPT); at this ratio it hides what
the learning rate means."""
CLIP_COVERS = 0.99
"""Share of the optimizer's parameters that a clip should see."""
NOT_CLEARED_SHARE = 0.5
"""Of the steps. Measured: found 10 of 10, no false alarm in 11 healthy loops."""
THROWN_SHARE = 0.5
"""Of the steps: a gradient that is thrown away now and then (at the end of an epoch) costs little."""
MOVED_ELSEWHERE, MOVED_BACK = 1e-3, 0.5
"""Length of what changes parameters between updates, over that of an update: more than rounding, and much of it."""
DROPOUT = 0.8
"""Share of activations that is dropped. The paper's own range for hidden layers is 0.2 to 0.5 (arXiv:1207.0580)."""
FROZEN_SHARE = 0.1
"""Of all weights of the models. Small frozen tables (random features, positions) are meant."""
MOVED = 0.05
"""Share of a half-precision weight's elements that an update must change. Measured: in bfloat16 at 1e-5 0 to 3 %, those
that are near 0; at 1e-4 a fifth."""
INITIAL_GAIN_HIGH, INITIAL_GAIN_TINY = 6.0, 0.02
"""Of a layer, at the start, and of the layer in the middle. Torch's own are 0.58, Kaiming's 1.4 (arXiv:1502.01852)."""
AVERAGE_LEFT = 0.5
"""Of the initial value in a running average, at the end of the run."""
FOLLOWS_AT_ONCE = 0.95
"""Share of an update. The usual warm-up of a decay, (1 + n) / (10 + n), begins at 0.9."""
NORM_MOMENTUM_HIGH = 0.9
"""Torch's default is 0.1, and the original's 0.99 is 0.01 here."""
DECAY_IN_ADAM = 0.01
"""Weight decay that Adam adds to the gradient: the default of AdamW, which is another thing (arXiv:1711.05101)."""
MOVED_FEW = 0.3
"""The same, worth a word."""
DECAY_WARN, DECAY_FAIL = 0.5, 5.0
"""Pull of the weight decay over that of the loss, at the start. Seed: "weight decay too large (the regularizer
overpowers the loss gradient)": half of it is worth a word. Measured: 61 healthy programs are below 0.03."""
DECAY_USUAL, DECAY_USUAL_DECOUPLED, DECAY_USUAL_STEP = 0.05, 0.5, 1e-3
"""Weight decays below these are what recipes use, and no fault, whatever the gradients are: a coefficient that is added
to the gradient, that of AdamW, and the product of the latter with the learning rate."""
STEP_LENGTH = 0.2
"""Median length of an update over that of the parameters, for losses that do not measure progress. Measured: 1e-4 to
1e-2 for healthy runs. Beyond this nothing that was learnt outlives ten steps."""
BETA_SLOW, MOMENTUM_OF_RUN = 0.95, 0.5
"""Of the first beta: 0.0 to 0.95 occur in papers, with second ones from 0.9 on (Kingma and Ba, arXiv:1412.6980, have
0.9 and 0.999); share of a run that gradients are averaged over."""
UPDATE_LONG, UPDATE_LONG_NORMALIZED = 0.05, 0.15
"""Median length of an update over that of the parameters, at the highest rate that is known. Measured in 33 programs:
2e-3 to 0.036 for healthy ones, 0.06 to 1 with a rate 25 to 1000 times too high, but for one (0.04). With batch
normalization a healthy one has 0.08: AdamW at a rate of 0.01, and one cycle."""
UPDATE_LONGEST = 0.15
"""Length of Adam's first update over that of the parameters, had it been made at the highest rate. Measured in 40
programs: 2e-4 to 0.05 for healthy ones, 0.12 to 17 with a rate 10 to 1000 times too high."""
PATH = 0.15
"""The same times the updates of a run. Measured in 32 programs: 0.87 to 19 for healthy ones, 1e-5 to 0.07 with a rate
100 to 100,000 times too low."""
FIRST_LENGTH, FIRST_LENGTH_HINT = 0.35, 0.15
"""Length of the first update over that of the initial parameters. Measured: 2e-4 to 0.04 in 38 healthy programs, and
0.12 in an actor-critic of 770 weights at a rate of 0.03 that learns; 0.9 to 17 in their twins with a rate 200 to 5000
times too high, 0.43 with one 50 times too high (SAC)."""

ONE_PIXEL = 0.99
"""Share of one number in pictures: drawings on black are 0.8 to 0.95."""
TOP_GRADIENT = 0.4
"""Share of one of at least 32 numbers in the gradient at an output, in the script's own batch. Measured: up to 0.17 in
38 healthy programs, the highest with temporal differences."""
MASK_OF_MOST = 0.7
"""Share of a mask of what is there: where more is missing, only the few may be meant, as in masked language models."""
MASK_BY_NAME = 0.5
"""The same where its name says what it marks: `valid`, `is_pad`."""
FILLER_OF_MOST = 0.8
"""Share of targets that are all the same: beyond it they may be what is usual, as rewards that are rare."""
FILLER_READ = 0.05
"""Gradient at what fills sequences of numbers up, over that at content: 0 where it is masked."""
FILLER_COUNTS = 0.01
"""Gradient at what was filled up, over that at content: 0 where it is masked, about 1 where it is not."""

# 6. Curve, half precision

SPIKE = 3.0
"""Times the loss before it."""
SKIPPED_STEPS = 4
"""A scaler that starts at 65536 skips a few updates until it has found its scale; more in ten is overflow."""

# 7. Loss family

TIME_MARGIN = 1e-6
"""Distance from 0 or 1 at which a flow time is at the end. Seed: "t very close to 0 ... can produce extreme gradient
magnitudes"."""
TIME_LOSS_RATIO = 100.0
"""Loss at the ends over the loss elsewhere."""
LEFT_OUT, LEFT_OUT_SURE = 0.5, 1.0
"""Share of samples that a condition is left out of at random, and two standard deviations of it for one sample.
Classifier-free guidance leaves it out of 10 to 20 % (arXiv:2207.12598)."""
VELOCITY_LENGTHS = 0.5
"""Shortest over longest target of a batch, in units of the velocity; 1 for a straight path, about 1 along an arc."""
VELOCITY_COSINE = 0.9
"""Of a target and the direction of a straight path: 1 but for a smallest noise of the path (1e-4 to 1e-2)."""
NOISE_RATIO = 10.0
"""Between the std of the noise and of the data. Seed: a schedule for images "will behave poorly on robot actions
with a standard deviation of 2.0": we allow for a factor of ten before we speak."""
WEIGHTS_FOLLOW = 0.4
"""Rank correlation of weights with frequencies, median of the first steps: a small batch has them in another order.
Weights that are meant give -1."""
COSINE_CLASSES = 2
"""Between more classes cosines cannot be certain: of three, 0.79."""
COSINE_SCALE, CLOSE_SCALE = 1.05, 0.01
"""What cosines are multiplied by: 2 to 100 occur in papers (temperatures 0.5 to 0.01, arXiv:2002.05709, 2103.00020).
CLIP learns the logarithm of its scale, which begins at that of 1 / 0.07."""
PAIRS_WRONG, EASY_NEGATIVES = 0.5, 0.8
"""Share of what a loss moves the wrong way, and mean rank of the negatives that it picks: 0 for the nearest (Hermans et
al., arXiv:1703.07737), 0.5 at random."""
LIKENESS_REVERSED = -0.9
"""Correlation of logits with the likeness of what they compare: -1 for distances, 1 for cosines and dot products."""
OF_THE_SAME_STEP, UNDISCOUNTED = 0.05, 0.9995
"""Coefficients of an exact fit of returns: 0, and gamma or, of n steps, a power of it (arXiv:1506.02438)."""
PRIOR_OUTWEIGHS = 10.0
"""Gradient of the divergence at the mean of latents over that of the reconstruction. Measured in the first steps of
three programs: 0.03 to 0.28 for healthy ones, 30 to 400 where a sum stands beside a mean, or the weight is 10."""
LATE_LIKENESS = 0.5
"""Correlation of x_t and data in the last tenth of the times. A cosine schedule has 0.15 there for data of variance 1,
a linear one of 1000 steps 0.02, and one with its betas over 100 steps 0.6."""
POLICY_REVERSED = -0.5
"""Correlation of an update's effect on log-probabilities with returns. A baseline lowers it, but does not turn it."""
REWARD_COUNT = 40
"""Fewer rewards say nothing about how dense they are."""
REWARD_DENSITY = 0.02
"""Share of rewards that are not 0."""
OF_ONE_STEP = 0.5
"""Correlation, or share of equal whole numbers: what is of one step agrees by more than 0.9, clipped actions too."""
NO_ENTROPY = 1e-3
"""Coefficient of a log-probability that an exact fit of a target has by chance."""
MOST_DISCOUNT = 1.0005
"""Of the next value in a target: 1, and rounding."""
SHORT_SIGHTED = 0.5
"""A discount below it looks one step ahead: 1 - gamma was written for gamma, or a rate of decay."""
REWARD_SMALL, REWARD_LARGE = 1e-2, 1e2
"""Largest |reward|. Seed: "Also check reward scale". Common tasks give 0.1 to 20."""
DISCOUNTED = 0.01
"""gamma ** horizon. Seed: "only 0.99^500 = 0.007"."""
BIN_SHARE = 0.9
"""Of the labels, in a tenth of the classes. Seed: "If 90 % of demonstrated actions fall in bins 100-130" of 256."""
BIN_LABELS = 64
"""Fewer labels cannot cover a hundred bins."""
BIN_CLASSES = 32
"""Classes that may be bins of a continuous quantity; a classifier of ten classes has honest majorities."""
LEAKAGE = 1e-4
"""Relative movement of outputs that must not move; rounding is a hundred times smaller."""
SILENT_ROWS = 16
"""Rows of an output in which a dimension gets no gradient: of fewer, labels or masks may leave it out by chance."""
HEAD_MARGIN = 0.05
"""Share of the head's range by which targets may lie beyond it."""

# Phases: what counts as a change that helps.
MOSTLY_FALLING = 0.8
"""Share of steps at which a healthy loss falls. With replayed draws 91.4 % of healthy runs fall at 8 of 10 steps."""
FASTER_HELPS = 3.0
"""A learning rate ten times larger helps if the loss falls by more than this times as much: at a rate that is right
already it falls further too, but not in proportion."""
CHANGE_HELPS = 1.5
"""Any other change helps if the loss falls by more than this times as much."""
