"""Each check, with a record that it must speak of; the faults are those of the head-to-head comparison and more."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any

import pytest
from building import BACKWARD, LOSS, STEP, cross_entropy, falling, healthy, loss, mse, parameter, series, statistics

from runtime_probe.checks import ALL
from runtime_probe.record import (
    SHIFTED,
    AskedOutside,
    Augmentation,
    BackupRecord,
    Batch,
    ClassesUnseen,
    ClipRecord,
    Copies,
    Crash,
    Cut,
    Dropout,
    Experiments,
    Features,
    FilledRead,
    HeldOut,
    Judged,
    Keeper,
    LatentRecord,
    Latents,
    Leakage,
    LeftOut,
    LossRecord,
    MapFit,
    MaskRecord,
    MiningRecord,
    MixRecord,
    ModelRecord,
    NonFinite,
    OptimizerRecord,
    OrderAsked,
    OutputsAlike,
    Padding,
    PullRecord,
    Relation,
    ReturnsRecord,
    Rewards,
    RowsMoved,
    Sampler,
    TakenApart,
    Times,
    TransitionRecord,
    Unlearnt,
    VelocityRecord,
    Where,
    WrongAxis,
)
from runtime_probe.report import FAILED, HEALTHY, judge

if TYPE_CHECKING:
    from runtime_probe.checks import Result
    from runtime_probe.record import Record


def statuses(record: Record) -> dict[str, str]:
    return {result.check: result.status.value for result in judge([record]).results}


def spoken(record: Record) -> list[Result]:
    report = judge([record])
    return report.failures + report.warnings


def tried(**changes: Any) -> Experiments:
    return dataclasses.replace(healthy().experiments, **changes)


def clip(limit: float = 1.0, norm: float = 3.0, **changes: Any) -> ClipRecord:
    return dataclasses.replace(
        ClipRecord("clip_grad_norm_", limit, norm, scaled=False, covers=1.0, where=STEP), **changes
    )


def with_targets(*std: float, rows: int = 64, **changes: Any) -> Record:
    width = [3 * s for s in std]
    target = statistics(
        "target", len(std), std=list(std), minimum=[-w for w in width], maximum=width, rows=rows, shape=[rows, len(std)]
    )
    return healthy(statistics=[statistics(), target], **changes)


def with_inputs(**changes: Any) -> Record:
    return healthy(statistics=[statistics(**changes), statistics("target")])


RL = Features(calls={"environment": 1, "log_prob": 3})
REWARDS = Rewards(200, 200, 1.0, 1.0, 1.0, 10, 20, 500, 0.99, "gamma")


def pull(towards: float, part: str = "action", line: int = 8, *, distance: bool = False) -> PullRecord:
    return PullRecord("Policy", part, towards, Where(LOSS.path, line, "main"), 1, distance=distance)


def backed_up(**changes: Any) -> Record:
    return healthy(
        features=RL, rewards=dataclasses.replace(REWARDS, backup=BackupRecord(**{"discount": 0.95, **changes}))
    )


def rolled(returns: ReturnsRecord) -> Record:
    return healthy(features=RL, rewards=dataclasses.replace(REWARDS, returns=returns))


def deep(*norms: float) -> Record:
    return healthy(parameters=[parameter(f"net.{i}.weight", i, norm) for i, norm in enumerate(norms)])


LOST = parameter("head.weight", 3, optimizer=None, moved=0.0)
DETACHED = parameter("encoder.weight", 0, 0.0, gradients=0, moved=0.0, influences=True)
UNUSED = parameter("encoder.weight", 0, 0.0, gradients=0, moved=0.0, influences=False)
BIG = {
    "mean": [500.0, 0.1, 0.1],
    "std": [120.0, 1.0, 0.8],
    "minimum": [200.0, -1.0, -1.0],
    "maximum": [800.0, 1.0, 1.0],
}


def gan() -> Record:
    one, two = (
        series([1.4, 1.3, 1.5, 1.2, 1.6, 1.1, 1.7, 1.0, 1.8, 0.9, 1.9], gain=-0.1),
        series(falling(0.7, 1.2), optimizer=1, gain=-0.1),
    )
    for step in two:
        step.losses = [dataclasses.replace(loss(step.loss), where=dataclasses.replace(BACKWARD, line=40))]
    return healthy(
        steps=one + two,
        optimizers=[OptimizerRecord("Adam", [2e-4], 0.0, 10, STEP), OptimizerRecord("Adam", [2e-4], 0.0, 10, STEP)],
        loss_calls=[
            mse(function="binary_cross_entropy", made_by="SigmoidBackward0", target_minimum=1, target_maximum=1)
        ],
        experiments=Experiments(repeat=0.0, nudge_predicted=1e-3, nudge_actual=4e-4),
    )


def two_optimizers(**changes: Any) -> Record:
    return dataclasses.replace(
        gan(), optimizers=[OptimizerRecord("Adam", [1.0], 0.0, 4000, STEP, **changes) for _ in range(2)]
    )


NAN = NonFinite("loss", 3, "nan", operation="log", module="Policy/Head", where=LOSS)
NO_GRAPH = "element 0 of tensors does not require grad and does not have a grad_fn"
FLOW = Features(time_argument="Net(t)", calls={"rand": 1, "randn": 1}, noise_std=1.0, data_std=[1.0, 0.9])

FAULTS: dict[str, tuple[Record, str]] = {
    "labels as logits": (healthy(loss_calls=[mse(function="binary_cross_entropy_with_logits", swapped=True)]), "loss-arguments-swapped"),
    "betas exchanged": (healthy(optimizers=[OptimizerRecord("AdamW", [1e-3], 0.0, 12345, STEP, betas=[0.999, 0.9])]), "betas-exchanged"),
    "constants behind a normalization": (healthy(parameters=[parameter("a", 0, 0.0, gradients=0, moved=0.0, alike=True), parameter("b", 1, 0.0, gradients=0, moved=0.0, alike=True)]), "units-alike"),
    "an output that sees its own target": (healthy(experiments=tried(leakage=[Leakage("own target", "DecisionTransformer", 0.7, "actions")])), "future-leaks"),
    "a picture flipped, and its mask not": (healthy(augmentations=[Augmentation("image", "mask", "flipped left to right", spatial=True, numbers=1024, pairs=6, unmoved=6)]), "augmentation-not-of-targets"),
    "only what fills numbers up is read": (healthy(experiments=tried(filled=[FilledRead("Net", "frames", 0.3, 0.5, 0.0)])), "padding-not-masked"),
    "only padding counts": (healthy(masks=[MaskRecord("valid", boolean=True, dimensions=2, share=0.7, filled=False, marked=0.0, unmarked=0.1)]), "padding-not-masked"),
    "one answer for all samples": (healthy(experiments=tried(alike=[OutputsAlike("Net", 4, 4, filled=False)])), "inputs-ignored"),
    "one answer for all that are short": (healthy(experiments=tried(alike=[OutputsAlike("Net", 4, 3, filled=True)])), "padding-not-masked"),
    "a best that begins with infinity": (healthy(keepers=[Keeper("train.py:3", "drop", more=True, never=True)]), "worst-weights-kept"),
    "codes without a gradient": (healthy(experiments=tried(cuts=[Cut("VQVAE", "encoder", "values")])), "gradient-cut"),
    "a straight-through estimator turned round": (healthy(experiments=tried(cuts=[Cut("VQVAE", "codebook", "gradients")])), "gradient-cut"),
    "errors averaged before they are squared": (healthy(features=Features(errors_cancel=LOSS)), "errors-cancel"),
    "a variance with the wrong sign": (healthy(features=Features(boundless=[LOSS] * 2)), "variance-boundless"),
    "an optimizer for each step": (healthy(optimizers=[OptimizerRecord("Adam", [1e-3], 0.0, 12345, STEP, renewed=12)]), "optimizer-renewed"),
    "raw inputs of the same scale": (healthy(asked_outside=[AskedOutside("obs", "Policy", LOSS, 0.7, 0.5, unscaled=True, acting=True)]), "held-out-data-differ"),
    "an entropy that is added to targets": (backed_up(entropy=0.2), "entropy-punished"),
    "gradients of the actor's loss in the critic": (healthy(steps=[dataclasses.replace(s, mingled=True) for s in series(falling())]), "gradients-not-cleared"),
    "targets one position back": (healthy(features=Features(token_input=True, targets_lie_behind=True)), "targets-not-shifted"),
    "times of other samples": (healthy(features=dataclasses.replace(FLOW, mix=MixRecord(4, in_order=False, grows=False, straight=False))), "times-not-spread"),
    "a target that is given": (healthy(features=Features(target_is_given=LOSS)), "noise-unseen"),
    "ten updates in all": (healthy(features=Features(planned_steps=10, accumulated=64)), "updates-too-few"),
    "the action among the inputs": (healthy(copies=Copies(answered="action")), "future-leaks"),
    "an anchor that is its own negative": (healthy(features=Features(mining=MiningRecord(LOSS, 1.0, 0.0))), "pairs-misjudged"),
    "positives of another label": (healthy(features=Features(mining=MiningRecord(LOSS, 0.0, 0.9))), "pairs-misjudged"),
    "a temperature that goes the other way": (healthy(features=RL, rewards=dataclasses.replace(REWARDS, temperature="reversed")), "entropy-punished"),
    "an entropy that is added": (healthy(features=dataclasses.replace(RL, entropy_gradients=[0.01] * 3), rewards=REWARDS), "entropy-punished"),
    "attention over queries": (healthy(features=Features(attention=True, attention_axis=LOSS)), "attention-over-queries"),
    "data scaled by being read": (healthy(batch=Batch(1, 64, 4, changed="ClipDataset.specs")), "reading-changes-data"),
    "the checkpoint of the largest loss": (healthy(keepers=[Keeper("ModelCheckpoint", "val_loss", more=True)]), "worst-weights-kept"),
    "rewards without what is behind the point": (healthy(features=RL, rewards=dataclasses.replace(REWARDS, fractions=150, stored_whole="Buffer.reward")), "rewards-cut-off"),
    "distances for likenesses": (healthy(loss_calls=[cross_entropy(classes=32, likeness=-0.99)]), "loss-negated"),
    "a divergence with a minus sign": (healthy(latents=Latents([LatentRecord(-1.0, 0.2, LOSS)])), "loss-negated"),
    "an error of values with a minus sign": (healthy(features=RL, rewards=REWARDS, pulls=[pull(-1.0, distance=True), pull(-0.999, distance=True)]), "loss-negated"),
    "samples among their own candidates": (healthy(loss_calls=[cross_entropy(classes=32, own_candidate=True)]), "views-alike"),
    "nothing keeps embeddings apart": (healthy(features=Features(only_together=LOSS)), "embeddings-collapse"),
    "a distribution of probabilities": (healthy(features=Features(probabilities_as_logits=LOSS)), "softmax-applied-twice"),
    "a sample that passes no gradient": (healthy(features=Features(sampled_into=LOSS)), "gradient-cut"),
    "two views that are one": (healthy(features=Features(views_alike=LOSS)), "views-alike"),
    "logits and labels in different orders": (healthy(features=Features(misassigned=LOSS)), "dimensions-scrambled"),
    "a likelihood of recorded data that is minimized": (healthy(features=RL, rewards=REWARDS, batch=Batch(1, 64, 4), pulls=[pull(-1.0), pull(-0.999)]), "loss-negated"),
    "lr x1000": (healthy(steps=series([2.0, 9.0, 7.0, 30.0, 12.0, 8.0, 25.0, 3.0, 9.0, 40.0, 11.0], gain=-0.01)), "learning-rate-too-high"),
    "lr x100": (healthy(steps=series([0.31, 0.13, 0.19, 0.09, 0.16, 0.08, 0.1, 0.04, 0.05, 0.04, 0.02], gain=0.46)), "learning-rate-too-high"),
    "lr /1e4": (healthy(steps=series(falling(factor=1 - 1e-6), rate=1e-7)), "learning-rate-too-low"),
    "lr 0": (healthy(steps=series([2.0] * 11, rate=0.0)), "learning-rate-too-low"),
    "no zero_grad": (healthy(steps=series(falling(), cleared=False)), "gradients-not-cleared"),
    "submodule not in optimizer": (healthy(parameters=[*healthy().parameters, LOST]), "parameters-not-in-optimizer"),
    "frozen": (healthy(parameters=[parameter("a", 0, requires_grad=False)], steps=[]), "everything-frozen"),
    "frozen, crashed": (healthy(parameters=[], steps=[], backwards=0, crash=Crash("RuntimeError", NO_GRAPH, ""), status="crashed"), "everything-frozen"),
    "detached loss": (healthy(steps=[], detached_loss=LossRecord(2.0, 1.0, BACKWARD, LOSS, "")), "loss-detached"),
    "gradients end before the parameters": (
        healthy(steps=[dataclasses.replace(s, grad_norm=0.0, losses=[]) for s in series([2.0] * 11)]),
        "loss-detached",
    ),
    "zero gradient": (healthy(steps=series([2.0] * 11, grad_norm=0.0, applied_norm=0.0)), "loss-detached"),
    "detached part": (healthy(parameters=[*healthy().parameters, DETACHED]), "parameters-without-gradient"),
    "double softmax": (healthy(loss_calls=[cross_entropy(made_by="SoftmaxBackward0", sums_to_one=True)]), "softmax-applied-twice"),
    "double sigmoid": (healthy(loss_calls=[mse(function="binary_cross_entropy_with_logits", made_by="SigmoidBackward0")]), "sigmoid-applied-twice"),
    "nll on logits": (healthy(loss_calls=[cross_entropy(function="nll_loss")]), "nll-without-log-softmax"),
    "actions 1e4 apart": (with_targets(1e-4, 1.0), "target-scales-differ"),
    "actions 1e4 apart, four rows": (with_targets(1e-4, 1.0, rows=4), "target-scales-differ"),
    "mm beside rad": (with_inputs(**BIG), "inputs-not-normalized"),
    "thousands": (with_inputs(mean=[4e3] * 3, std=[2e2] * 3), "inputs-not-normalized"),
    "image bytes": (with_inputs(layer="Conv2d", shape=[4, 3, 64, 64], mean=[120.0] * 3, std=[70.0] * 3, minimum=[0.0] * 3, maximum=[255.0] * 3, integral=True), "inputs-not-normalized"),
    "zeroed inputs": (with_inputs(mean=[0.0] * 3, std=[0.0] * 3, minimum=[0.0] * 3, maximum=[0.0] * 3), "inputs-constant"),
    "ignored inputs": (healthy(experiments=tried(zeroed=falling(), zeroed_reference=falling())), "inputs-ignored"),
    "(B,1)-(B,)": (healthy(broadcasts=[mse(function="subtract", input_shape=[4, 1], target_shape=[4])]), "loss-broadcasts"),
    "samples leaking": (healthy(experiments=tried(leakage=[Leakage("samples", "Net", 0.3)])), "samples-leak"),
    "future leaking": (healthy(features=Features(token_input=True, targets_are_shifted=True), experiments=tried(leakage=[Leakage("time", "GPT", 0.3)])), "future-leaks"),
    "minus sign": (healthy(steps=series([-v for v in falling(factor=1.1)], node="NegBackward0 < MseLossBackward0")), "loss-negated"),
    "minus sign by hand": (healthy(steps=series([-v for v in falling(factor=1.1)], node="MulBackward0 < X"), loss_calls=[mse(value=2.0)]), "loss-negated"),
    "maximize": (healthy(steps=series(falling(factor=1.05))), "update-goes-uphill"),
    "tanh head": (healthy(loss_calls=[mse(made_by="TanhBackward0", target_minimum=-3.0, target_maximum=3.0)]), "targets-beyond-head"),
    "NaN": (healthy(nonfinite=[NAN]), "nan-or-inf"),
    "NaN found by the script": (healthy(steps=[], status="crashed", crash=Crash("AssertionError", "loss is nan", "")), "nan-or-inf"),
    "NaN in the data": (with_inputs(nonfinite=2), "data-not-finite"),
    "NaN loss, nothing else": (healthy(steps=series([2.0, *[math.nan] * 10])), "nan-or-inf"),
    "bfloat16 swallows": (healthy(parameters=[parameter("a", 0, dtype="bfloat16", moved=0.0)]), "parameters-not-moving"),
    "a copy is trained": (healthy(parameters=[parameter("a", 0, moved=0.0)]), "parameters-not-moving"),
    "deep sigmoid": (deep(1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2), "vanishing-gradients"),
    "exploding": (healthy(steps=series(falling(), grad_norm=2e6, applied_norm=2e6)), "exploding-gradients"),
    "clip after step": (healthy(steps=series(falling(), misplaced_clips=[clip()])), "clipping-without-effect"),
    "clip on scaled": (healthy(steps=series(falling(), clips=[clip(scaled=True)], scale=65536.0)), "clipping-without-effect"),
    "clip on nothing": (healthy(steps=series(falling(), clips=[clip(covers=0.0)])), "clipping-without-effect"),
    "never unscaled": (healthy(steps=series(falling(), still_scaled=True, scale=65536.0)), "fp16-gradients-not-unscaled"),
    "always skipped": (healthy(steps=series([2.0] * 11, skipped=True, scale=65536.0)), "fp16-overflow"),
    "wrong gradient": (healthy(experiments=tried(nudge_actual=-2e-3)), "gradient-mismatch"),
    "huge start": (healthy(loss_calls=[cross_entropy(value=80.0)]), "loss-at-start-too-high"),
    "50 ms at 10 Hz": (healthy(batch=Batch(1, 64, 4, timestamps={"obs.timestamp": [0.0, 0.1, 0.2, 0.3], "action.timestamp": [0.05, 0.15, 0.25, 0.35]})), "timestamps-misaligned"),
    "weight decay 100": (healthy(optimizers=[OptimizerRecord("AdamW", [1e-3], 100.0, 1000, STEP, decoupled=True)], steps=series(falling(), update_norm=1.02)), "weight-decay-too-high"),
    "weight decay 5, in the gradient": (healthy(optimizers=[OptimizerRecord("SGD", [1e-3], 5.0, 1000, STEP)]), "weight-decay-too-high"),
    "held by two optimizers": (healthy(steps=series(falling()) + series(falling(), optimizer=1), optimizers=[OptimizerRecord("Adam", [1e-3], 0.0, 1000, STEP, duplicates=9)] * 2), "parameters-held-twice"),
    "eval mode": (healthy(models=[ModelRecord("ResNet", 1, 1, [0], False, idle=["BatchNorm2d"])]), "eval-mode-in-training"),
    "targets in the thousands": (healthy(statistics=[statistics("target", mean=[5e3] * 3, name="mse_loss")]), "targets-not-normalized"),
    "copying": (healthy(features=Features(token_input=True, targets_are_inputs=True), experiments=tried(leakage=[Leakage("samples", "GPT", 0.0)])), "targets-not-shifted"),
    "relu before a binary cross-entropy": (healthy(loss_calls=[mse(function="binary_cross_entropy_with_logits", made_by="ReluBackward0")]), "logits-bounded"),
    "log-probabilities of a batch in one number": (healthy(features=Features(likelihood_of_all=LOSS)), "loss-broadcasts"),
    "tanh before a binary cross-entropy": (healthy(loss_calls=[mse(function="binary_cross_entropy_with_logits", made_by="TanhBackward0")]), "logits-bounded"),
    "tanh logits": (healthy(loss_calls=[cross_entropy(made_by="TanhBackward0")]), "logits-bounded"),
    "another model is in use": (healthy(parameters=[parameter("a", 0, gradients=0), dataclasses.replace(LOST, model=-1)]), "parameters-not-in-optimizer"),
    "first update as long as the weights, in a GAN": (two_optimizers(first_length=9.0), "learning-rate-too-high"),
    "first update as long as the weights": (healthy(optimizers=[OptimizerRecord("AdamW", [1.0], 0.0, 12345, STEP, first_length=11.0)]), "learning-rate-too-high"),
    "schedule stepped with every batch": (healthy(steps=[dataclasses.replace(s, rates=[1e-3 * 0.5**s.number]) for s in series(falling())]), "learning-rate-too-low"),
    "constant weights": (healthy(parameters=[parameter("net.0.weight", 0, alike=True), parameter("net.2.weight", 1)]), "units-alike"),
    "zero weights": (healthy(parameters=[dataclasses.replace(UNUSED, name=f"net.{i}.weight", alike=True, norm=0.0) for i in (0, 2)]), "units-alike"),
    "cleared between backward and step": (healthy(optimizers=[OptimizerRecord("Adam", [1e-3], 0.0, 12345, STEP, thrown=10)], steps=series([2.0] * 11, applied_norm=0.0)), "gradients-thrown-away"),
    "view in place of transpose": (healthy(loss_calls=[cross_entropy(scrambled=True)]), "dimensions-scrambled"),
    "policy gradient away from returns": (healthy(features=RL, rewards=REWARDS, policy_correlations=[-0.98, -0.7]), "policy-gradient-reversed"),
    "clean samples in place of noised ones": (healthy(features=FLOW, experiments=tried(noise_reaches_model=False)), "noise-unseen"),
    "average written into the model": (healthy(steps=series(falling(), moved_since=0.0098)), "parameters-changed-elsewhere"),
    "every sample the same": (with_inputs(role="model input", samples=16, same=True), "inputs-constant"),
    "two positions on": (healthy(features=Features(token_input=True, targets_are_shifted_twice=True)), "targets-not-shifted"),
    "pictures with constants for 0..1": (with_inputs(layer="Conv2d", shape=[4, 3, 64, 64], mean=[500.0] * 3, std=[280.0] * 3, maximum=[1100.0] * 3), "inputs-not-normalized"),
    "warm-up of a longer run": (healthy(features=Features(planned_steps=96), optimizers=[OptimizerRecord("AdamW", [1e-6], 0.0, 12345, STEP, peak_rates=[1e-3])], steps=[dataclasses.replace(s, rates=[1e-7 * (s.number + 1)]) for s in series(falling())]), "learning-rate-too-low"),
    "clip on a copy": (healthy(steps=series(falling(), clips=[clip(covers=0.0)])), "clipping-without-effect"),
    "a term with the wrong sign": (healthy(pulls=[pull(1.0), pull(-0.9, part="mask", line=9), pull(-0.5, part="mask", line=9)]), "loss-negated"),
    "reshape in place of permute": (healthy(exchanged=[LOSS]), "dimensions-scrambled"),
    "colours side by side": (with_inputs(layer="Conv2d", shape=[4, 3, 64, 64], interleaved=True), "dimensions-scrambled"),
    "an actor that its critic does not reach": (healthy(idle_terms=[BACKWARD]), "loss-term-idle"),
    "a mask the wrong way round": (healthy(padding=Padding(0, only=True)), "padding-not-masked"),
    "a generator that wants to be found out": (dataclasses.replace(gan(), judged_copies={"D": -0.1}, judged_live={"D": -0.2}), "adversaries-agree"),
    "a schedule that returns a rate": (healthy(optimizers=[OptimizerRecord("AdamW", [2e-6], 0.0, 12345, STEP, peak_rates=[2e-3], highest_rate=4e-6)]), "learning-rate-too-low"),
    "no backward pass": (healthy(backwards=0, steps=[dataclasses.replace(s, losses=[]) for s in series([math.nan] * 11, grad_norm=0.0, applied_norm=0.0)]), "loss-detached"),
    "weights of a normal distribution of 1": (healthy(parameters=[parameter(f"net.{i}.weight", i, gain=8.0) for i in range(3)]), "initialization-off-scale"),
    "an average for a longer run": (healthy(features=Features(planned_steps=600), optimizers=[OptimizerRecord("Adam", [1e-3], 0.0, 12345, STEP, follows=[1e-4])]), "average-rate-wrong"),
    "a schedule of epochs, stepped with every batch": (healthy(features=Features(planned_steps=5000), optimizers=[OptimizerRecord("Adam", [1e-3], 0.0, 12345, STEP, schedule_over=100)]), "learning-rate-too-low"),
    "noise that is drawn twice": (healthy(features=dataclasses.replace(FLOW, other_noise=LOSS)), "noise-unseen"),
    "two columns against one": (healthy(broadcasts=[mse(input_shape=[64, 1], target_shape=[64, 64])]), "loss-broadcasts"),
    "NaN at the ends of time": (healthy(features=FLOW, experiments=tried(time_minimum=0.0, time_maximum=1.0, time_loss=math.inf)), "flow-time-reaches-ends"),
}  # fmt: skip


@pytest.mark.parametrize(("record", "check"), FAULTS.values(), ids=FAULTS)
def test_faults_are_named(record: Record, check: str) -> None:
    report = judge([record])
    assert report.exit_status == FAILED
    assert check in {result.check for result in report.failures}
    named = next(result for result in report.failures if result.check == check)
    assert named.message
    assert named.remedy


HINTS: dict[str, tuple[Record, str]] = {
    "one time for all": (healthy(features=dataclasses.replace(FLOW, times=Times(64, 1, 1.0))), "times-not-spread"),
    "times beyond the ends": (healthy(features=dataclasses.replace(FLOW, times=Times(64, 30, 0.5))), "times-not-spread"),
    "attention without positions": (healthy(experiments=tried(orders=[OrderAsked("Net", 10, seen=False)])), "order-unseen"),
    "held-out data that are not normalized": (healthy(held_out=[HeldOut("image", "Crops", 0.2, 0.4)]), "held-out-data-differ"),
    "labels smoothed away": (healthy(loss_calls=[cross_entropy(smoothing=0.9)]), "label-smoothing-too-high"),
    "a background that is ignored": (healthy(loss_calls=[cross_entropy(ignored_pixels=0.7)]), "labels-ignored-wrongly"),
    "a class that nothing is of": (healthy(classes_unseen=[ClassesUnseen("[1]", 4, [3], 512)]), "bins-not-covered"),
    "an input of another sample": (healthy(input_relations=[Relation("image", 1024, 0.4, 1.0, 1.0, 1.0)]), "targets-unrelated"),
    "a mask that is transposed": (healthy(map_fits=[MapFit("[1]", 96, 0.01, "transposed", 0.5, 40.0)]), "targets-unrelated"),
    "masks of other pictures": (healthy(map_fits=[MapFit("[1]", 96, 0.01, dependence=0.5)]), "targets-unrelated"),
    "masks that were interpolated": (healthy(map_fits=[MapFit("[1]", 96, 0.5, dependence=40.0, blended=0.6)]), "masks-interpolated"),
    "a class that is ignored": (healthy(loss_calls=[cross_entropy(ignored=0.6)]), "labels-ignored-wrongly"),
    "a surrogate without its minus sign": (healthy(features=RL, rewards=REWARDS, surrogates=[0.5, 0.4]), "policy-gradient-reversed"),
    "one reading twice": (with_inputs(rows=64, mean=[0.1, 0.3, 0.1], std=[1.0, 0.9, 1.0], minimum=[-2.0, -1.5, -2.0], maximum=[2.5, 2.0, 2.5]), "inputs-repeated"),
    "bytes divided by whole numbers": (with_inputs(layer="Conv2d", one_pixel=0.999), "inputs-constant"),
    "one sample has most of the gradient": (healthy(features=Features(top_gradient=0.6)), "few-samples-dominate"),
    "a momentum as long as the run": (healthy(features=Features(planned_steps=500), optimizers=[OptimizerRecord("Adam", [1e-3], 0.0, 12345, STEP, betas=[0.999, 0.9999])]), "betas-exchanged"),
    "an actor that lowers its value": (healthy(features=RL, rewards=REWARDS, judged_live={"Critic": -0.01}), "policy-gradient-reversed"),
    "actions that the actor never takes": (healthy(features=RL, rewards=REWARDS, judged=[Judged("Critic(action)", "TanhBackward0", -14.0, 14.0)]), "targets-beyond-head"),
    "slow": (healthy(steps=series(falling(factor=1 - 2e-5))), "learning-rate-too-low"),
    "fast": (healthy(steps=series(falling(factor=0.8), gain=0.4)), "learning-rate-too-high"),
    "long updates, once the rate is reached": (healthy(optimizers=[OptimizerRecord("AdamW", [1e-3], 0.0, 12345, STEP, highest_rate=0.1)]), "learning-rate-too-high"),
    "updates that lead nowhere": (healthy(features=Features(planned_steps=100)), "learning-rate-too-low"),
    "a sign flipped, and its class not": (healthy(augmentations=[Augmentation("image", "label", "flipped left to right", spatial=False, whole=True, pairs=4, unmoved=4, handed="`turn_left` and `turn_right`")]), "augmentation-not-of-targets"),
    "a picture shifted, and its mask not": (healthy(augmentations=[Augmentation("image", "mask", SHIFTED, spatial=True, numbers=1024, whole=True, pairs=6, unmoved=6)]), "augmentation-not-of-targets"),
    "a picture turned, and its action not": (healthy(augmentations=[Augmentation("image", "action", "turned by 90 degrees", spatial=False, numbers=7, pairs=6, unmoved=6)]), "augmentation-not-of-targets"),
    "samples that do not count, and do": (healthy(masks=[MaskRecord("[2]", boolean=False, dimensions=1, share=0.7, variable="held", used=False)]), "mask-unused"),
    "a cosine for vectors of any length": (healthy(features=Features(only_turned=LOSS)), "length-not-learnt"),
    "positions that nobody adds": (healthy(parameters=[parameter("pos_embed", 0, 0.0, gradients=0, moved=0.0, influences=False)]), "order-unseen"),
    "a sum beside a mean": (healthy(features=Features(mixed_reductions=LOSS)), "reductions-mixed"),
    "a divergence that outweighs": (healthy(latents=Latents([LatentRecord(1.0, 30.0, LOSS)])), "prior-outweighs"),
    "a deviation below zero": (healthy(latents=Latents(negative_scale=LOSS)), "deviation-negative"),
    "returns that look back": (rolled(ReturnsRecord(False, 0.97, 0.0, False)), "returns-misbuilt"),
    "returns in reversed order": (rolled(ReturnsRecord(True, 0.97, 0.0, False, reversed=True)), "returns-misbuilt"),
    "returns through ends": (rolled(ReturnsRecord(True, 0.97, 0.0, True)), "returns-misbuilt"),
    "returns of the same value": (rolled(ReturnsRecord(True, 0.0, 0.97, False)), "returns-misbuilt"),
    "returns without a discount": (rolled(ReturnsRecord(True, 1.0, 0.0, False)), "returns-misbuilt"),
    "a target network that stands still": (healthy(features=RL, rewards=dataclasses.replace(backed_up().rewards, tau=0.005)), "average-rate-wrong"),
    "raw inputs in an evaluation": (healthy(asked_outside=[AskedOutside("obs", "Policy", LOSS, 40.0, 0.5, unscaled=False, acting=False)]), "held-out-data-differ"),
    "the action of another step": (healthy(features=RL, rewards=dataclasses.replace(REWARDS, transitions=TransitionRecord("reward", 128, {"action": 0.1, "following": 1.0}))), "transitions-mixed"),
    "some actions that were not taken": (healthy(features=RL, rewards=dataclasses.replace(REWARDS, transitions=TransitionRecord("reward", 128, {"action": 0.95}, odd=9))), "transitions-mixed"),
    "data and noise exchanged": (healthy(features=Features(time_integral=True, mix=MixRecord(4, in_order=True, grows=False, straight=False))), "noise-scale-mismatch"),
    "one position of each sequence": (healthy(features=Features(token_input=True, one_position=32)), "labels-ignored-wrongly"),
    "one row for all positions": (healthy(features=Features(same_position=LOSS)), "order-unseen"),
    "episodes of one seed": (healthy(copies=Copies(repeated=0.9)), "inputs-repeated"),
    "histories of one array": (healthy(copies=Copies(still="obs")), "observations-reused"),
    "the easiest negatives": (healthy(features=Features(mining=MiningRecord(LOSS, 0.0, 0.0, ease=0.95))), "pairs-misjudged"),
    "negatives without gradient": (healthy(features=Features(mining=MiningRecord(LOSS, 0.0, 0.0, pushes=False))), "pairs-misjudged"),
    "the larger of two critics": (backed_up(larger=True), "target-value-wrong"),
    "the value of the same observation": (backed_up(of_the_same=True), "target-value-wrong"),
    "the action for the present one": (backed_up(action_of_the_same=True), "target-value-wrong"),
    "no target network": (backed_up(of_the_trained=True), "target-value-wrong"),
    "a discount above 1": (backed_up(discount=1.05), "target-value-wrong"),
    "values at ends alone": (backed_up(mask="inverted"), "values-without-future"),
    "values behind ends": (backed_up(mask="ignored"), "returns-misbuilt"),
    "no volume of the squashing": (healthy(features=RL, rewards=dataclasses.replace(REWARDS, squash_corrected=False)), "squash-uncorrected"),
    "observations of the next step": (healthy(features=RL, rewards=dataclasses.replace(REWARDS, next_stored=True)), "observations-reused"),
    "ends that nobody reads": (healthy(features=RL, rewards=dataclasses.replace(REWARDS, ends_unread="b_done")), "returns-misbuilt"),
    "a warm-up to a rate that is too high": (healthy(optimizers=[OptimizerRecord("AdamW", [1e-3], 0.0, 12345, STEP, highest_rate=0.03, first_length=0.0158)]), "learning-rate-too-high"),
    "a mask that nobody applies": (healthy(masks=[MaskRecord("valid", boolean=True, dimensions=2, share=0.7, used=False)]), "mask-unused"),
    "padding of targets counts": (healthy(masks=[MaskRecord("is_pad", boolean=True, dimensions=2, share=0.2, filled=True, marked=0.1, unmarked=0.1)]), "padding-not-masked"),
    "ends of sequences count": (healthy(masks=[MaskRecord("", boolean=True, dimensions=2, share=0.2, filled=True, marked=0.1, unmarked=0.1)]), "padding-not-masked"),
    "a mask of what is there, turned round": (healthy(masks=[MaskRecord("[3]", boolean=False, dimensions=3, share=0.98, marked=0.0, unmarked=0.1)]), "padding-not-masked"),
    "bins of one range for all": (healthy(loss_calls=[cross_entropy(classes=24, classes_seen=20, target_shape=[64, 5], narrow=[0, 1])]), "bins-not-covered"),
    "no end to learn": (healthy(features=Features(token_input=True, targets_are_shifted=True, end_not_learnt=0)), "labels-ignored-wrongly"),
    "prompts that are learnt": (healthy(features=Features(token_input=True, targets_are_shifted=True, answers_ignored=True)), "labels-ignored-wrongly"),
    "batch norm at batch 4": (healthy(steps=series([2.0, 2.2, 1.9, 2.3, 2.0, 2.4, 2.1, 2.2, 2.0, 2.3, 2.1], gain=-0.3), models=[ModelRecord("ResNet", 1, 1, [0], True, batch_coupled=["BatchNorm2d"])]), "learning-rate-too-high"),
    "rises": (healthy(optimizers=[OptimizerRecord("LBFGS", [1.0], 0.0, 10, STEP)], steps=series(falling(factor=1.01), predicted=math.nan)), "loss-not-decreasing"),
    "unused": (healthy(parameters=[*healthy().parameters, UNUSED]), "parameters-without-gradient"),
    "teacher": (healthy(parameters=[*healthy().parameters, dataclasses.replace(DETACHED, name="teacher.weight")]), "parameters-without-gradient"),
    "decay alone": (healthy(parameters=[*healthy().parameters, dataclasses.replace(UNUSED, moved=1.0)]), "parameters-not-moving"),
    "layers apart": (deep(1.0, 1e-4, 0.1), "gradient-scales-differ"),
    "large norm": (healthy(steps=series(falling(), grad_norm=2e3, applied_norm=2e3)), "exploding-gradients"),
    "unclipped": (healthy(steps=series(falling(), grad_norm=48.0, applied_norm=48.0)), "gradients-not-clipped"),
    "clip far below": (healthy(steps=series(falling(), clips=[clip(0.01, 5.0)], applied_norm=0.01, grad_norm=5.0)), "gradients-not-clipped"),
    "clip on half": (healthy(steps=series(falling(), clips=[clip(covers=0.5)])), "clipping-without-effect"),
    "two hundred apart": (with_targets(0.005, 1.0, rows=4), "target-scales-differ"),
    "outlier": (with_inputs(role="model input", outlier=[50.0, 1.0, 1.0], rows=64, maximum=[50.0, 1.0, 1.0]), "data-outliers"),
    "skips": (healthy(steps=[dataclasses.replace(s, skipped=s.number < 6, scale=1024.0) for s in series(falling())]), "fp16-overflow"),
    "no scaler": (healthy(features=Features(autocast="float16")), "fp16-gradients-not-unscaled"),
    "start at twice ln C": (healthy(loss_calls=[cross_entropy(value=8.0)]), "loss-at-start-too-high"),
    "ends of time": (healthy(features=FLOW, experiments=tried(time_minimum=0.0, time_maximum=1.0, time_loss=2.0)), "flow-time-reaches-ends"),
    "noise for images": (healthy(features=dataclasses.replace(FLOW, data_std=[0.02, 0.03])), "noise-scale-mismatch"),
    "bins": (healthy(loss_calls=[cross_entropy(classes=256, classes_seen=20, top_share=0.95, target_shape=[64, 7], value=5.5)]), "bins-not-covered"),
    "sparse": (healthy(features=RL, rewards=dataclasses.replace(REWARDS, nonzero=1)), "reward-sparse"),
    "discounted": (healthy(features=RL, rewards=dataclasses.replace(REWARDS, nonzero=4)), "reward-discounted-away"),
    "dropped frames": (healthy(batch=Batch(1, 64, 4, timestamps={"timestamp": [0.0, 0.1, 0.2, 0.4, 0.5]})), "timestamps-misaligned"),
    "one target": (healthy(loss_calls=[mse(target_shape=[64, 1], target_minimum=1.0, target_maximum=1.0)]), "targets-constant"),
    "an evaluation with dropout": (healthy(models=[ModelRecord("MLP", 1, 1, [0], True, dropouts={"drop": 0.1})], features=Features(never_in_eval=[Where("train.py", 9, "evaluate")])), "evaluated-in-train-mode"),
    "dropout in eval mode": (healthy(models=[ModelRecord("MLP", 1, 1, [0], False, idle=["Dropout"])]), "eval-mode-in-training"),
    "a network that judges": (healthy(parameters=[*healthy().parameters, dataclasses.replace(LOST, model=-1)]), "parameters-not-in-optimizer"),
    "half the rate in ten steps": (healthy(steps=[dataclasses.replace(s, rates=[1e-3 * 0.9**s.number]) for s in series(falling())]), "learning-rate-too-low"),
    "noise below one dimension": (healthy(features=dataclasses.replace(FLOW, data_std=[1.0, 1.0, 200.0])), "noise-scale-mismatch"),
    "cleared for each micro-batch": (healthy(optimizers=[OptimizerRecord("Adam", [1e-3], 0.0, 12345, STEP, thrown=30)]), "gradients-thrown-away"),
    "linear, linear": (healthy(linear_pairs=["Policy.net.0 > Policy.net.1"]), "activation-missing"),
    "target with a gradient": (healthy(features=RL, loss_calls=[mse(target_learns=True)]), "target-learns"),
    "target network copied the wrong way": (healthy(features=RL, steps=series(falling(), moved_since=0.001)), "parameters-changed-elsewhere"),
    "divided by 255 twice": (with_inputs(rows=64, mean=[0.002] * 3, std=[1e-3] * 3, minimum=[0.0] * 3, maximum=[0.004] * 3), "inputs-not-normalized"),
    "constants of another range": (with_inputs(rows=64, mean=[-2.0] * 3, std=[3e-3] * 3, minimum=[-2.1] * 3, maximum=[-1.9] * 3), "inputs-not-normalized"),
    "uniform noise": (healthy(features=dataclasses.replace(FLOW, uniform_noise=LOSS)), "noise-scale-mismatch"),
    "one range for all actions": (healthy(features=dataclasses.replace(FLOW, data_std=[0.007, 0.7])), "noise-scale-mismatch"),
    "targets of thirty scales": (with_targets(0.03, 1.0), "target-scales-differ"),
    "targets in the hundreds": (healthy(statistics=[statistics("target", mean=[400.0] * 3, name="mse_loss")]), "targets-not-normalized"),
    "softmax over the batch": (healthy(softmax_over_batch=[LOSS]), "samples-leak"),
    "short-sighted": (healthy(features=RL, rewards=dataclasses.replace(REWARDS, gamma=0.03)), "reward-discounted-away"),
    "rewards in thousandths": (healthy(features=RL, rewards=dataclasses.replace(REWARDS, minimum=0.0, maximum=1e-3)), "reward-scale"),
    "a margin that four samples satisfy": (healthy(steps=[dataclasses.replace(series([0.4, 0.4])[0], phase="warm-up"), *series([0.0] * 11, grad_norm=0.0, applied_norm=0.0)]), "loss-detached"),
    "dropout of 0.9": (healthy(models=[ModelRecord("MLP", 1, 1, [0], True, dropouts={"drop": 0.9})]), "dropout-too-high"),
    "the same block again": (healthy(models=[ModelRecord("GPT", 1, 1, [0], True, repeated=["blocks"])]), "layers-repeated"),
    "a random encoder, frozen": (healthy(parameters=[*healthy().parameters, parameter("encoder.weight", 0, 0.0, requires_grad=False, optimizer=None, gradients=0, moved=0.0)]), "frozen-at-random"),
    "one array for all observations": (healthy(features=RL, rewards=dataclasses.replace(REWARDS, reused=True)), "observations-reused"),
    "a seed in the loop": (healthy(features=Features(draws_compared=True, draws_repeated=LOSS)), "draws-repeated"),
    "padding is learnt": (healthy(padding=Padding(0, in_loss=0.4, where=LOSS)), "padding-not-masked"),
    "an error without its gradient": (healthy(features=Features(unanswered=LOSS)), "gradient-cut"),
    "a state without its gradient": (healthy(features=Features(state_detached=LOSS)), "gradient-cut"),
    "a recurrent layer over samples": (healthy(features=Features(wrong_axis=WrongAxis("GRU", [8, 20, 6], 0, LOSS))), "samples-leak"),
    "what fills numbers up is read": (healthy(experiments=tried(filled=[FilledRead("Net", "frames", 0.3, 0.5, 1.0)])), "padding-not-masked"),
    "padding is attended": (healthy(padding=Padding(0, attended=True)), "padding-not-masked"),
    "targets are rewards": (healthy(features=RL, rewards=REWARDS, loss_calls=[mse(reward_share=1.0)]), "values-without-future"),
    "a buffer that is not filled": (healthy(statistics=[statistics(), statistics("model input", rows=64, zero_rows=0.98)]), "inputs-constant"),
    "words with the id of padding": (healthy(padding=Padding(0, within=0.2)), "padding-not-masked"),
    "frames in the order of their episodes": (healthy(batch=Batch(1, 64, 4, in_order=True)), "data-in-order"),
    "a warm-up in steps, stepped by epochs": (healthy(optimizers=[OptimizerRecord("AdamW", [2e-5], 0.0, 12345, STEP, peak_rates=[1e-3])], steps=series(falling(), rate=2e-5)), "learning-rate-too-low"),
    "unknown words": (with_inputs(layer="Embedding", top_share=0.7), "inputs-constant"),
    "targets in thousandths": (healthy(statistics=[statistics("target", name="mse_loss", rows=64, mean=[0.0] * 3, std=[2e-4] * 3)]), "targets-not-normalized"),
    "targets beside their mean": (healthy(statistics=[statistics("target", name="mse_loss", rows=64, mean=[-1.0] * 3, std=[0.01] * 3)]), "targets-not-normalized"),
    "targets of thirty": (healthy(statistics=[statistics("target", name="mse_loss", rows=64, std=[30.0] * 3)]), "targets-not-normalized"),
    "one target for many guesses": (healthy(broadcasts=[mse(input_shape=[64, 12, 5], target_shape=[64, 1, 5], value=math.nan)]), "loss-broadcasts"),
    "a long first update": (healthy(optimizers=[OptimizerRecord("AdamW", [0.1], 0.0, 12345, STEP, first_length=0.3)]), "learning-rate-too-high"),
    "readings that stand for nothing": (healthy(dropouts=[Dropout("path", 0.03, [0, 1, 2], 1024)]), "data-outliers"),
    "markers that are lost": (with_inputs(role="model input", rows=640, sentinel=[0.02, 0.0, 0.0]), "data-outliers"),
    "bfloat16 swallows most": (healthy(parameters=[parameter("a", 0, dtype="bfloat16", moved=0.2)]), "parameters-not-moving"),
    "one cycle, stepped by epochs": (healthy(optimizers=[OptimizerRecord("AdamW", [4e-5], 0.0, 12345, STEP, peak_rates=[4e-5], highest_rate=1e-3)], steps=series(falling(), rate=4e-5)), "learning-rate-too-low"),
    "one picture for all": (healthy(batch=Batch(1, 64, 4, same="image")), "inputs-constant"),
    "betas of another schedule": (healthy(features=dataclasses.replace(FLOW, late_likeness=0.98)), "noise-scale-mismatch"),
    "cosines times a logarithm": (healthy(loss_calls=[cross_entropy(classes=100, likeness=1.0, scale=2.66)]), "logits-bounded"),
    "cosines as logits": (healthy(loss_calls=[cross_entropy(classes=10, likeness=1.0, scale=1.0)]), "logits-bounded"),
    "class weights of counts": (healthy(loss_calls=[cross_entropy(weights_follow=1.0), cross_entropy(weights_follow=0.8)]), "class-weights-reversed"),
    "a sampler that prefers the common": (healthy(batch=Batch(1, 64, 4, sampler_follows=1.0)), "class-weights-reversed"),
    "a rate for a run ten times longer": (healthy(features=Features(planned_steps=300), steps=series(falling(factor=1 - 1e-3))), "learning-rate-too-low"),
    "one wide head": (healthy(parameters=[parameter("a", 0, gain=0.6), parameter("b", 1, gain=0.6), parameter("head", 2, gain=16.0)]), "initialization-off-scale"),
    "wide, as it was loaded": (healthy(features=Features(loads=1), parameters=[parameter("a", 0, gain=9.0)]), "initialization-off-scale"),
    "weights of thousandths": (healthy(parameters=[parameter(f"net.{i}.weight", i, gain=0.008) for i in range(3)]), "initialization-off-scale"),
    "decay and its rest exchanged": (healthy(optimizers=[OptimizerRecord("Adam", [1e-3], 0.0, 12345, STEP, follows=[0.99])]), "average-rate-wrong"),
    "a schedule for a third of the run": (healthy(features=Features(planned_steps=300), optimizers=[OptimizerRecord("Adam", [1e-3], 0.0, 12345, STEP, schedule_over=100)]), "learning-rate-too-low"),
    "momentum of another library": (healthy(models=[ModelRecord("ResNet", 1, 1, [0], True, norm_momenta={"bn1": 0.99})]), "norm-momentum-wrong"),
    "momentum for a longer run": (healthy(features=Features(planned_steps=200), models=[ModelRecord("ResNet", 1, 1, [0], True, norm_momenta={"bn1": 0.001})]), "norm-momentum-wrong"),
    "the decay of AdamW in Adam": (healthy(optimizers=[OptimizerRecord("Adam", [1e-3], 0.01, 12345, STEP)]), "weight-decay-in-adam"),
    "a trainer that overfits one batch": (healthy(batch=Batch(1, 64, 4, limits=["overfit_batches=1"])), "data-left-out"),
    "a hundred samples of a million": (healthy(batch=Batch(1, 64, 4, share=1e-4)), "data-left-out"),
    "labels in another order than samples": (healthy(relations=[Relation("action", 512, 0.3, 1.0, 1.0, 1.0)]), "targets-unrelated"),
    "labels shuffled in the loop": (healthy(features=Features(rows_moved=RowsMoved("a target", LOSS))), "targets-unrelated"),
    "mixup without targets": (healthy(features=Features(rows_moved=RowsMoved("", LOSS))), "targets-unrelated"),
    "what is padding by its name": (healthy(masks=[MaskRecord("[2]", True, 2, share=0.05, variable="is_pad", marked=1.0, unmarked=0.0)]), "padding-not-masked"),
    "nothing that is valid": (healthy(masks=[MaskRecord("valid", True, 2, share=0.6, marked=0.0, unmarked=1.0)]), "padding-not-masked"),
    "measurements as whole numbers": (healthy(batch=Batch(1, 64, 4, cut_off="Scenes.commands")), "numbers-cut-off"),
    "a condition that is hardly ever there": (healthy(features=Features(left_out=[LeftOut(LOSS, 60, 64)])), "inputs-ignored"),
    "the way that is left": (healthy(features=FLOW, experiments=tried(velocity=VelocityRecord(0.99, 0.0, 1.0))), "velocity-reversed"),
    "frames sorted by length in a collate_fn": (healthy(batch=Batch(1, 64, 4, taken_apart=TakenApart("frames", "label"))), "targets-unrelated"),
    "a data set that sets a seed": (healthy(batch=Batch(1, 64, 4, seeded="torch")), "draws-repeated"),
    "returns that are bare rewards": (rolled(ReturnsRecord(True, 0.0, 0.0, False, bare=True)), "values-without-future"),
    "an average without running statistics": (healthy(features=Features(average_without_statistics="ema")), "average-rate-wrong"),
    "an average that stands still": (healthy(optimizers=[OptimizerRecord("Adam", [1e-3], 0.0, 12345, STEP, average_still="ema")]), "average-rate-wrong"),
    "two lists that are each in some order": (healthy(relations=[Relation("labels", 1024, 144.0, 1.0, 1.0, 1.0, row_by_row=1.5)]), "targets-unrelated"),
    "actions of the step before": (healthy(relations=[Relation("action", 512, 50.0, 0.1, 0.5, 0.8)]), "targets-late"),
    "an output that is half trained": (healthy(features=Features(unlearnt=[Unlearnt("Net", [0, 1], 4, 64, LOSS)])), "gradient-cut"),
    "data for a sampler that asks for velocity": (healthy(features=dataclasses.replace(FLOW, noised_targets=["data"], samplers=[Sampler("velocity", LOSS)])), "sampler-disagrees"),
    "velocity against the path": (healthy(features=FLOW, experiments=tried(velocity=VelocityRecord(-0.99))), "velocity-reversed"),
    "nudge": (healthy(experiments=tried(nudge_actual=1e-3)), "gradient-mismatch"),
}  # fmt: skip


@pytest.mark.parametrize(("record", "check"), HINTS.values(), ids=HINTS)
def test_hints_only_warn(record: Record, check: str) -> None:
    report = judge([record])
    assert report.exit_status == HEALTHY, report.failures
    assert check in {result.check for result in report.warnings}


def two_losses(record: Record) -> Record:
    """The same optimizer twice over: each backward of a step counts."""
    for step in record.steps:
        step.losses = [dataclasses.replace(item, value=item.value / 2) for item in step.losses * 2]
    return record


HEALTHY_RUNS: dict[str, Record] = {
    "maps of grasp quality": healthy(statistics=[statistics(), statistics("model input", shape=[24, 1, 36, 36]), statistics("target", name="mse_loss", shape=[24, 36, 36], rows=864, std=[1e-4, 0.2, 0.2])]),
    "soft labels": healthy(statistics=[statistics(), statistics("target", name="binary_cross_entropy_with_logits", rows=864, std=[1e-4, 0.2, 0.2])]),
    "one cycle to a hundredth, behind batch norm": healthy(optimizers=[OptimizerRecord("AdamW", [4e-4], 0.0, 12345, STEP, highest_rate=0.08)], models=[ModelRecord("GraspNet", 1, 1, [0], True, batch_coupled=["BatchNorm2d"])]),
    "rewards at the end of episodes": healthy(masks=[MaskRecord("done", boolean=False, dimensions=2, share=0.3, filled=False, marked=0.1, unmarked=0.1), MaskRecord("[4]", boolean=False, dimensions=2, share=0.05, filled=False, marked=0.1, unmarked=0.1)]),
    "drawings on black": with_inputs(layer="Conv2d", one_pixel=0.9),
    "two numbers that correlate by chance": healthy(pulls=[PullRecord("Net[1]", "labels", -0.6, LOSS, numbers=12)]),
    "an actor and its critic": healthy(features=RL, rewards=REWARDS, judged_live={"Critic": 0.01}, judged=[Judged("Critic(action)", "TanhBackward0", -1.0, 1.0), Judged("Critic(obs)", "", -90.0, 90.0)]),
    "a decision transformer": healthy(experiments=tried(leakage=[Leakage("own target", "DecisionTransformer", 0.0, "actions")])),
    "no memory of gradients": healthy(features=Features(planned_steps=2000), optimizers=[OptimizerRecord("Adam", [1e-3], 0.0, 12345, STEP, betas=[0.0, 0.9])]),
    "a variance beside a mean": healthy(pulls=[PullRecord("Net.mean", "labels", 0.9, LOSS), PullRecord("Net.log_var", "labels", -0.8, LOSS)]),
    "batch norm over four samples": healthy(steps=series(falling(), gain=0.1), models=[ModelRecord("ResNet", 1, 1, [0], True, batch_coupled=["BatchNorm2d"])]),
    "a masked language model": healthy(masks=[MaskRecord("mask", boolean=True, dimensions=2, share=0.15, marked=0.1, unmarked=0.0), MaskRecord("kept", boolean=True, dimensions=2, share=0.3, marked=0.0, unmarked=0.1)]),
    "actions that did worse than expected": healthy(features=RL, rewards=REWARDS, batch=Batch(1, 64, 4), pulls=[pull(-0.8), pull(-0.6)]),
    "behavior cloning": healthy(),
    "warm-up from 0": healthy(steps=[dataclasses.replace(s, rates=[1e-5 * s.number], predicted=1e-5 * s.number) for s in series([2.0] * 11)]),
    "momentum overshoots": healthy(steps=series([2.0, 1.5, 1.0, 0.8, 0.7, 0.75, 0.8, 0.78, 0.7, 0.6, 0.5], gain=0.8)),
    "accumulation": two_losses(healthy()),
    "zero-initialised head": healthy(parameters=[parameter("net.0.weight", 0, norms=[0.0, *[0.02] * 9], gradients=9), parameter("head.weight", 1)]),
    "LBFGS": healthy(optimizers=[OptimizerRecord("LBFGS", [1.0], 0.0, 10, STEP)], steps=series([2.0, 0.1, *[0.01] * 9], gain=1.0, predicted=math.nan, rate=1.0)),
    "REINFORCE": healthy(features=RL, rewards=REWARDS, loss_calls=[], steps=series([30.0, -4.0, 50.0, 20.0, -10.0, 30.0, 2.0, 44.0, 9.0, 3.0, 80.0], gain=-2.0, grad_norm=90.0, applied_norm=90.0)),
    "REINFORCE with a baseline": healthy(features=RL, rewards=REWARDS, policy_correlations=[0.4, -0.1, 0.7]),
    "PPO": healthy(features=RL, rewards=REWARDS, steps=series([-0.01, 0.3, -0.2, *[0.1] * 8], node="AddBackward0 < NegBackward0 < MeanBackward0", clips=[clip(0.5)])),
    "DQN, maximize": healthy(features=RL, rewards=REWARDS, optimizers=[OptimizerRecord("Adam", [1e-3], 0.0, 10, STEP, maximize=True)], steps=series(falling(factor=1.05))),
    "GAN": gan(),
    "flow policy": healthy(features=FLOW, experiments=tried(noise_reaches_model=True, velocity=VelocityRecord(0.99), time_minimum=1e-3, time_maximum=0.999, time_loss=2.0)),
    "diffusion at t = 1000": healthy(features=Features(time_argument="Net(t)", time_integral=True, noise_std=1.0, calls={"randint": 1, "randn_like": 1}), statistics=[statistics(features=1, mean=[500.0], std=[280.0], minimum=[3.0], maximum=[998.0])]),
    "VAE, summed": healthy(features=Features(calls={"randn_like": 1}), loss_calls=[mse(function="binary_cross_entropy", made_by="SigmoidBackward0", value=2200.0)], steps=series(falling(2200.0), node="AddBackward0 < BinaryCrossEntropyBackward0", grad_norm=900.0, applied_norm=900.0)),
    "nanoGPT": healthy(features=Features(token_input=True, targets_are_shifted=True), loss_calls=[cross_entropy(value=4.2, classes=65, classes_seen=40, top_share=0.6, target_shape=[768])], statistics=[statistics(layer="Embedding", mean=[4e4], std=[1e4])], experiments=tried(leakage=[Leakage("time", "GPT", 1e-7), Leakage("samples", "GPT", 0.0)])),
    "ResNet at batch 4": healthy(models=[ModelRecord("ResNet", 1, 1, [0], True, batch_coupled=["BatchNorm2d"])], steps=series([7.0, 9.0, 14.0, 12.0, 20.0, 16.0, 11.0, 9.0, 8.0, 7.0, 6.5], gain=-0.3)),
    "one-hot inputs": with_inputs(integral=True, mean=[0.25, 0.0, 0.5], std=[0.4, 0.0, 0.5], minimum=[0.0] * 3, maximum=[1.0, 0.0, 1.0]),
    "attention key bias": healthy(parameters=[*healthy().parameters, parameter("attn.k.bias", 1, 1e-9, shape=[64])]),
    "a rate that rises within the run": healthy(features=Features(planned_steps=5000), optimizers=[OptimizerRecord("AdamW", [1e-5], 0.0, 12345, STEP, peak_rates=[1e-3])], steps=[dataclasses.replace(s, rates=[1e-5 * (s.number + 1)]) for s in series(falling())]),
    "picks from a codebook": healthy(steps=series([1.25, 1.21, 1.18, 1.149, 1.152, 1.159, 1.168, 1.157, 1.144, 1.118, 1.092], gain=0.37)),
    "chunks of shuffled samples": healthy(batch=Batch(1, 64, 4, timestamps={"timestamp": [3.0, 1.0, 9.0, 4.0], "action_timestamp": [3.0, 3.1, 3.2, 3.3]}, first_timestamps={"action_timestamp": [3.0, 1.0, 9.0, 4.0]})),
    "masks are the same for all": with_inputs(role="model input", name="Net(attention_mask)", samples=16, same=True),
    "frozen backbone": healthy(features=Features(loads=1), parameters=[*healthy().parameters, parameter("backbone", 0, 0.0, requires_grad=False, optimizer=None, gradients=0, moved=0.0)]),
    "bf16 autocast": healthy(features=Features(autocast="bfloat16"), steps=series(falling(factor=0.999), gain=0.2)),
    "two optimizers, one loss": healthy(steps=series(falling(), gain=1.8) + series(falling(), optimizer=1, gain=1.8), optimizers=[OptimizerRecord("Adam", [1e-3], 0.0, 1, STEP)] * 2),
    "no replay": healthy(steps=[dataclasses.replace(s, batch_hash=f"b{s.number}") for s in series([2.0, 3.0, 1.0, 4.0, 2.0, 5.0, 2.0, 3.0, 1.0, 4.0, 2.0], gain=-5.0)]),
    "draws not repeatable": healthy(steps=series([2.0, 3.0, 1.0, 4.0, 2.0, 5.0, 2.0, 3.0, 1.0, 4.0, 2.0], gain=-5.0), experiments=tried(repeat=0.2, nudge_actual=-1e-3)),
    "scaler finds its scale": healthy(features=Features(autocast="float16"), steps=[dataclasses.replace(s, skipped=s.number < 2, scale=16384.0) for s in series(falling())], nonfinite=[NonFinite("gradient", 0, "inf")]),
    "double minus of a likelihood": healthy(steps=series(falling(-2.0, 1.1), gain=0.9, node="NegBackward0 < MeanBackward0 < NegBackward0 < MseLossBackward0"), loss_calls=[]),
    "tanh head, targets within": healthy(loss_calls=[mse(made_by="TanhBackward0", target_minimum=-1.0, target_maximum=1.0)]),
    "temperature that starts at zero": healthy(optimizers=[OptimizerRecord("Adam", [1e-3], 0.0, 1, STEP, first_length=3.0)]),
    "a gate that starts at zero": healthy(parameters=[*healthy().parameters, dataclasses.replace(UNUSED, shape=[1, 64], norm=0.0, alike=False)]),
    "cosine schedule": healthy(steps=[dataclasses.replace(s, rates=[1e-3 * (1 - s.number / 60)]) for s in series(falling())]),
    "gradients cleared at the end of an epoch": healthy(optimizers=[OptimizerRecord("Adam", [1e-3], 0.0, 12345, STEP, thrown=1)]),
    "time-first tokens": healthy(features=Features(token_input=True, targets_are_shifted=True), batch=Batch(), experiments=tried(leakage=[Leakage("samples", "RNN", 0.5)])),
    "a generator against its discriminator": dataclasses.replace(gan(), judged_copies={"D": -0.1}, judged_live={"D": 0.2}),
    "labels that transformers shifts itself": healthy(pulls=[pull(0.0), pull(0.0)]),
    "a batch of two things of one shape": healthy(pulls=[pull(-0.9), pull(0.9, part="next_obs")]),
    "padding is masked": healthy(padding=Padding(0)),
    "a bandit": healthy(features=RL, rewards=dataclasses.replace(REWARDS, episodes=200), loss_calls=[mse(reward_share=1.0)]),
    "an average that arrives": healthy(features=Features(planned_steps=2000), optimizers=[OptimizerRecord("Adam", [1e-3], 0.0, 12345, STEP, follows=[0.001], schedule_over=1900)]),
    "an average, of a run whose length nobody knows": healthy(optimizers=[OptimizerRecord("Adam", [1e-3], 0.0, 12345, STEP, follows=[1e-4], schedule_over=100)]),
    "half of the data is for training": healthy(batch=Batch(1, 64, 4, share=0.5), relations=[Relation("action", 512, 60.0, 0.6, 0.5, 0.45)]),
    "positions of the next step": healthy(relations=[Relation("action", 512, 60.0, 0.3, 0.1, 0.0)]),
    "a reward at the end": healthy(features=RL, rewards=REWARDS, statistics=[statistics("model input", rows=640, sentinel=[0.05, 0.0, 0.0])]),
    "a gripper that is closed": with_inputs(role="model input", rows=640, sentinel=[0.45, 0.0, 0.0]),
    "noise at the end": healthy(features=dataclasses.replace(FLOW, late_likeness=0.15)),
    "class weights that are meant": healthy(loss_calls=[cross_entropy(weights_follow=-1.0), cross_entropy(weights_follow=1.0)], batch=Batch(1, 64, 4, sampler_follows=-1.0)),
    "a slow rate, and a long run": healthy(features=Features(planned_steps=30_000), steps=series(falling(factor=1 - 1e-3))),
    "fine-tuning": healthy(features=Features(planned_steps=300, loads=1), steps=series(falling(factor=1 - 1e-3))),
    "torch's own weights": healthy(parameters=[parameter("a", 0, gain=0.58), parameter("b", 1, gain=1.41), parameter("adapter", 2, gain=0.0)]),
    "batch normalization as it comes": healthy(features=Features(planned_steps=200), models=[ModelRecord("ResNet", 1, 1, [0], True, norm_momenta={"bn1": 0.1, "bn2": 0.01})]),
    "bidirectional": healthy(experiments=tried(leakage=[Leakage("time", "ViT", 0.5)])),
}  # fmt: skip


@pytest.mark.parametrize("record", HEALTHY_RUNS.values(), ids=HEALTHY_RUNS)
def test_healthy_runs_have_no_failed_check(record: Record) -> None:
    report = judge([record])
    assert [f"{r.check}: {r.message}" for r in report.failures] == []
    assert report.exit_status == HEALTHY, report.reason


def test_a_plain_healthy_run_has_no_warning_either() -> None:
    assert judge([healthy()]).warnings == []


def test_truth_values_that_are_no_masks_are_not_judged_as_masks() -> None:
    said = spoken(HEALTHY_RUNS["rewards at the end of episodes"])
    assert not {"mask-unused", "padding-not-masked"} & {result.check for result in said}


def test_every_check_has_a_fault_or_a_hint() -> None:
    named = {check for _, check in [*FAULTS.values(), *HINTS.values()]}
    assert {check.id for check in ALL if check.across is None} - named == {"loss-curve-shape", "input-scales-differ"}


def test_input_scales() -> None:
    far = {"std": [1e-5, 5.0, 5.0], "minimum": [-3e-5, -9.0, -9.0], "maximum": [3e-5, 9.0, 9.0]}
    assert statuses(with_inputs(**far, rows=4))["input-scales-differ"] == "warn"
    assert statuses(with_inputs(**far, rows=256))["input-scales-differ"] == "fail"
    near = {"std": [0.02, 5.0, 5.0], "minimum": [-0.06, -9.0, -9.0], "maximum": [0.06, 9.0, 9.0]}
    assert statuses(with_inputs(**near, rows=256))["input-scales-differ"] == "warn"
    assert statuses(with_inputs(**near, rows=4))["input-scales-differ"] == "pass"


@pytest.mark.parametrize("rate", [1e-7, 1e-3])
def test_not_cleared_is_the_cause_and_the_rate_is_not_blamed(rate: float) -> None:
    record = healthy(
        steps=series([2.0, 1.5, 3.0, 8.0, 2.0, 1.0, 4.0, 9.0, 2.0, 5.0, 3.0], gain=-0.2, cleared=False, rate=rate)
    )
    assert [result.check for result in judge([record]).failures] == ["gradients-not-cleared"]


def test_a_missing_zero_grad_is_the_next_action_before_its_effects() -> None:
    steps = series(falling(), cleared=False, grad_norm=2e6, applied_norm=2e6)
    report = judge([healthy(steps=steps, nonfinite=[NAN])])
    assert report.failures[0].check == "gradients-not-cleared"
    assert report.next_action.startswith("call optimizer.zero_grad")


def test_where_a_nan_began_is_said() -> None:
    result = next(r for r in judge([healthy(nonfinite=[NAN])]).failures if r.check == "nan-or-inf")
    assert "began in log" in result.message
    assert "Policy/Head" in result.message
    assert result.where == LOSS


def test_a_minus_sign_is_no_fault_in_rl() -> None:
    record = healthy(features=RL, steps=series([-2.0] * 11, node="NegBackward0 < MseLossBackward0"))
    assert statuses(record)["loss-negated"] == "pass"


def test_a_loss_that_ran_away_needs_no_replay() -> None:
    first = dataclasses.replace(series([9.8, 9.8])[0], phase="warm-up")
    steps = [dataclasses.replace(s, batch_hash=f"b{s.number}") for s in series([600.0, 650.0] * 5 + [610.0])]
    assert [r.check for r in judge([healthy(steps=[first, *steps])]).failures] == ["learning-rate-too-high"]


def test_several_unclipped_optimizers_are_one_line() -> None:
    steps = gan().steps
    for step in steps:
        step.grad_norm = step.applied_norm = 5.0 + step.optimizer
    found = [r for r in judge([dataclasses.replace(gan(), steps=steps)]).warnings if r.check == "gradients-not-clipped"]
    assert len(found) == 1
    assert "of Adam (and 1 more optimizers) reaches 6" in found[0].message


def test_a_cosine_that_mostly_stands_at_one_has_no_outliers() -> None:
    record = with_inputs(role="model input", outlier=[2.5e4, 1.0, 1.0], rows=512)
    assert statuses(record)["data-outliers"] == "pass"


def test_sines_of_a_time_are_of_many_scales_by_design() -> None:
    far = statistics(rows=512, std=[1e-8, 0.2, 0.7], minimum=[-1e-8, -1.0, -1.0], maximum=[1e-8, 1.0, 1.0])
    given = statistics("model input", shape=[512, 2])
    assert statuses(healthy(features=FLOW, statistics=[given, far]))["input-scales-differ"] == "not exercised"
    assert statuses(healthy(statistics=[given, far]))["input-scales-differ"] == "warn"


def test_a_chunk_of_actions_begins_with_its_observation() -> None:
    stamps = {"timestamp": [3.0, 1.0, 9.0, 4.0], "action_timestamp": [3.06, 3.16, 3.26, 3.36]}
    late = Batch(1, 64, 4, timestamps=stamps, first_timestamps={"action_timestamp": [3.06, 1.06, 9.06, 4.06]})
    assert statuses(healthy(batch=late))["timestamps-misaligned"] == "fail"


def test_a_nan_made_within_the_model_is_not_the_fault_of_the_data() -> None:
    inside = [statistics("model input"), statistics(nonfinite=3)]
    assert statuses(healthy(statistics=inside))["data-not-finite"] == "pass"
    assert statuses(healthy(statistics=[statistics("model input", nonfinite=3), *inside]))["data-not-finite"] == "fail"


def test_the_last_word_is_in_the_numbers() -> None:
    result = next(r for r in judge([healthy()]).results if r.check == "learning-rate-too-high")
    assert result.numbers["gain_ratio"] == pytest.approx(0.9)
    assert result.numbers["learning_rate"] == 1e-3
