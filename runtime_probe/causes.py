"""Which of several failed checks is the cause, and which are what follows from it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Result, Status

if TYPE_CHECKING:
    from collections.abc import Sequence

_ORDER = (
    # Nothing, or the wrong thing, is trained.
    "everything-frozen", "parameters-not-in-optimizer", "gradients-thrown-away", "loss-detached",
    "gradients-not-cleared",
    # The loss is not the one that was meant.
    "loss-broadcasts", "softmax-applied-twice", "sigmoid-applied-twice", "nll-without-log-softmax", "loss-negated",
    "loss-term-idle", "adversaries-agree", "padding-not-masked",
    "draws-repeated", "attention-over-queries",
    "policy-gradient-reversed", "noise-unseen", "dimensions-scrambled", "update-goes-uphill",
    # Hardly anything is done at all.
    "updates-too-few", "data-left-out",
    # The data are not what the model can use.
    "data-not-finite", "inputs-constant", "inputs-repeated", "inputs-not-normalized", "targets-not-normalized",
    "target-scales-differ",
    "targets-beyond-head", "targets-not-shifted", "samples-leak", "future-leaks", "timestamps-misaligned",
    # The update is not what the gradient says.
    "clipping-without-effect", "fp16-gradients-not-unscaled", "fp16-overflow", "parameters-changed-elsewhere",
    "ranks-differ", "ranks-see-same-batch",
    "parameters-held-twice", "eval-mode-in-training", "weight-decay-too-high",
    # The weights.
    "units-alike", "initialization-off-scale", "logits-bounded", "parameters-without-gradient", "inputs-ignored",
    "loss-at-start-too-high",
    "parameters-not-moving",
)  # fmt: skip
"""What goes first where several checks complain; those that are not named here name one thing, and come next."""
_EFFECTS = (
    # Causes where nothing above is.
    "learning-rate-too-high", "exploding-gradients", "nan-or-inf", "vanishing-gradients", "learning-rate-too-low",
    # Risks that many live with.
    "targets-constant", "data-outliers", "evaluated-in-train-mode", "reward-scale", "flow-time-reaches-ends",
)  # fmt: skip
_SYMPTOMS = (
    "input-scales-differ", "gradient-mismatch", "gradient-scales-differ", "loss-not-decreasing",
    "gradients-not-clipped",
)  # fmt: skip
"""These come last: they say how a trouble looks, and rarely what it is."""

_IDLE = ("parameters-without-gradient", "parameters-not-moving")
"""A warning of theirs is about a few parameters that nothing needs; what makes them idle says more."""
_BEFORE_EFFECTS = 0.5

_UNITS = ("inputs-not-normalized", "targets-not-normalized", "target-scales-differ", "data-not-finite")
_OTHER_LOSS = ("nll-without-log-softmax", "loss-negated", "loss-broadcasts")
_NO_GRADIENT = ("everything-frozen", "parameters-not-in-optimizer", "gradients-thrown-away", "loss-detached")

_EXPLAINED_BY: dict[str, tuple[str, ...]] = {
    "loss-detached": (
        "everything-frozen", "parameters-not-in-optimizer", "gradients-thrown-away", "logits-bounded",
        "targets-beyond-head",
    ),
    "average-rate-wrong": ("updates-too-few",),
    "learning-rate-too-low": (
        "updates-too-few", *_NO_GRADIENT, *_UNITS, "clipping-without-effect", "fp16-gradients-not-unscaled",
        "fp16-overflow",
        "vanishing-gradients", "parameters-without-gradient", "inputs-ignored", "weight-decay-too-high",
        "targets-beyond-head", "softmax-applied-twice", "loss-at-start-too-high", "exploding-gradients", "nan-or-inf",
        "learning-rate-too-high", "inputs-constant", "parameters-changed-elsewhere",
    ),
    "learning-rate-too-high": (
        *_UNITS, *_OTHER_LOSS, "gradients-not-cleared", "update-goes-uphill", "loss-at-start-too-high",
        "inputs-constant", "weight-decay-too-high", "fp16-gradients-not-unscaled", "parameters-held-twice",
        "parameters-changed-elsewhere",
    ),
    "exploding-gradients": (*_UNITS, *_OTHER_LOSS, "gradients-not-cleared", "loss-at-start-too-high"),
    "nan-or-inf": (*_UNITS, "nll-without-log-softmax", "loss-at-start-too-high", "update-goes-uphill"),
    "vanishing-gradients": (*_UNITS, "inputs-constant", "parameters-without-gradient", "weight-decay-too-high"),
    "inputs-ignored": (
        *_NO_GRADIENT, "inputs-constant", "parameters-without-gradient", "learning-rate-too-high",
        "vanishing-gradients", "units-alike",
    ),
    "parameters-without-gradient": ("inputs-constant", "targets-beyond-head", "units-alike"),
    "parameters-not-moving": (*_NO_GRADIENT, "parameters-without-gradient", "inputs-constant"),
    "loss-at-start-too-high": ("inputs-not-normalized", "nll-without-log-softmax"),
    "gradient-mismatch": ("vanishing-gradients", "nan-or-inf", "exploding-gradients"),
}  # fmt: skip


def sort(results: Sequence[Result]) -> list[Result]:
    """Return results with causes before effects; one next action is that of the first."""
    order = {check: place - len(_ORDER) for place, check in enumerate(_ORDER)}
    order |= {check: 1 + place for place, check in enumerate((*_EFFECTS, *_SYMPTOMS))}

    def place(result: Result) -> float:
        idle = result.status is Status.WARN and result.check in _IDLE
        return _BEFORE_EFFECTS if idle else order.get(result.check, 0)

    return sorted(results, key=place)


def is_effect(result: Result) -> bool:
    """Whether something that a check says is what other faults lead to as well."""
    return result.check in _EFFECTS or result.check in _SYMPTOMS


def explained(results: Sequence[Result]) -> dict[str, str]:
    """Return the failed checks that follow from another failed check, each with that one."""
    failed = {result.check: result for result in results if result.status is Status.FAIL}
    # A setting that makes a run short is a warning, and a cause all the same; a Subset may be meant.
    set_so = {r.check: r for r in results if r.check == "data-left-out" and "limits" in r.numbers}
    causes = {check: _cause(check, {**set_so, **failed}) for check in failed}
    # A cause must not itself be explained by what it explains.
    return {check: cause for check, cause in causes.items() if cause and not causes.get(cause)}


def explain(results: Sequence[Result]) -> list[Result]:
    """Turn failures that follow from another failure into warnings that say so."""
    by = explained(results)
    return [
        replace(r, status=Status.WARN, message=f"{r.message}; explained by {by[r.check]}", remedy="")
        if r.status is Status.FAIL and r.check in by
        else r
        for r in results
    ]


def _cause(check: str, failed: dict[str, Result]) -> str:
    """Return the failed check that a failed one follows from; empty for none."""
    result = failed[check]
    explaining = [cause for cause in _EXPLAINED_BY.get(check, ()) if cause in failed and cause != check]
    if check == "learning-rate-too-low" and result.numbers.get("learning_rate") == 0.0:
        return ""  # nothing explains a rate of 0
    explaining += [other for other in failed if _follows(result, failed[other])]
    ranked = sort([failed[cause] for cause in explaining])
    return ranked[0].check if ranked else ""


def _follows(effect: Result, cause: Result) -> bool:
    """What depends on the numbers: what was there at the first step is no effect of updates."""
    pair = (effect.check, cause.check)
    if cause.check == "data-left-out":
        return "planned" in effect.numbers
    if pair == ("learning-rate-too-low", "parameters-not-moving"):
        return bool(cause.numbers.get("half"))
    if pair == ("parameters-not-moving", "learning-rate-too-low"):
        return not effect.numbers.get("half")
    if pair == ("exploding-gradients", "learning-rate-too-high"):
        return not _from_the_start(effect)
    if pair == ("learning-rate-too-high", "gradient-mismatch"):
        # Where a tiny step raises the loss, too, it is not the length of the steps.
        return float(cause.numbers.get("ratio", 1.0)) < 0
    if pair == ("learning-rate-too-high", "exploding-gradients"):
        return _from_the_start(cause)
    if pair[0] == "nan-or-inf" and pair[1] in {"learning-rate-too-high", "exploding-gradients"}:
        return float(effect.numbers.get("step", 0)) > 1
    if effect.check == "vanishing-gradients" and cause.check == "learning-rate-too-high":
        return True
    early = cause.check == "nan-or-inf" and float(cause.numbers.get("step", 9)) <= 1
    return early and effect.check in {
        "parameters-without-gradient", "inputs-ignored", "learning-rate-too-high", "exploding-gradients",
        "vanishing-gradients", "loss-at-start-too-high", "parameters-not-moving",
    }  # fmt: skip


def _from_the_start(result: Result) -> bool:
    norms = result.numbers.get("norms") or [0.0]
    return bool(norms[0] >= t.EXPLODING)
