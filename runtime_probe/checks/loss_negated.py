"""A distance with a minus sign: the run makes the error as large as it can."""

from __future__ import annotations

import math
from collections import defaultdict
from statistics import mean
from typing import TYPE_CHECKING

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Check, Outcome, failed, passed, skipped
from runtime_probe.checks.loss_arguments import calls_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import LossRecord, PullRecord, Record

_DISTANCES = ("MseLoss", "L1Loss", "SmoothL1Loss", "HuberLoss", "NllLoss", "BinaryCrossEntropy", "Pow", "Abs")
_SAME_SIGN = ("Mean", "Sum", "Mul", "Div", "View", "Reshape", "Unsqueeze", "Squeeze", "ToCopy", "Clone", "Alias")
"""Operations of one argument that keep the sign, or scale by what the value then shows."""
_LOSSES = frozenset(
    {
        "mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "cross_entropy", "nll_loss",
        "binary_cross_entropy", "binary_cross_entropy_with_logits",
    }
)  # fmt: skip


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Look at the sign of the loss, and at the operations that made it."""
    away = _away(record)
    # A policy is pushed away from actions that did worse than expected, from each by as much as it did worse; equally
    # from all that a data set holds is a sign.
    weighed = away is not None and not (away.distance or (record.batch.loaders and away.towards < t.AWAY_FROM_ALL))
    if away is not None and not (weighed and family.name == "reinforcement learning"):
        what = "a term of the loss" if away.term else "the loss"
        yield failed(
            f"{what} pushes {away.output} away from its target ({away.part})"
            f" (its wish and what is missing correlate by {away.towards:.2f})",
            "check the signs: a distance is added, a likeness or a log-probability is subtracted",
            away.where,
            towards=away.towards,
        )
        return
    apart = [call for call in calls_of(record, "cross_entropy") if (call.likeness or 0.0) < t.LIKENESS_REVERSED]
    if apart:
        yield failed(
            "the logits of cross_entropy are the smaller, the more alike the embeddings are: what belongs together is"
            f" pushed apart (logits and cosines correlate by {apart[0].likeness:.2f})",
            "give it likenesses: cosines, dot products, or distances with a minus sign",
            apart[0].where,
            likeness=apart[0].likeness,
        )
        return
    priors = record.latents.priors
    if priors and all(found.likeness < 0 for found in priors):
        yield failed(
            "a term of the loss pushes latents away from their prior: it grows as they come closer to 0",
            "add the divergence: kl = -0.5 * (1 + logvar - mu ** 2 - logvar.exp()), loss = reconstruction + beta * kl",
            priors[0].where,
        )
        return
    losses = [loss for index in range(len(record.optimizers)) for step in record.series(index) for loss in step.losses]
    if not losses:
        yield skipped("no loss was seen")
        return
    if not family.measures_progress:
        yield passed(f"a negative loss is common in {family.name}")
        return
    # Calls of loss functions are watched in the first steps only, so one mirror image speaks for all.
    mirrored = any(_mirrors(record, loss) for step in record.steps for loss in step.losses)
    bad = [loss for loss in losses if loss.value < 0 and (mirrored or _negated(loss.node))]
    if len(bad) > len(losses) / 2:
        loss = bad[0]
        yield failed(
            f"the loss is {loss.value:.3g}: a distance with a minus sign ({loss.node or 'value of a loss, negated'})",
            "drop the minus sign: the optimizer already minimizes",
            loss.made_at if loss.made_at.path else loss.where,
            loss=loss.value,
        )
    else:
        yield passed("no distance with a minus sign")


def _away(record: Record) -> PullRecord | None:
    """Return a pull away from the targets, if whatever may be a target there is pushed away from."""
    pulls: dict[tuple[str, str], list[PullRecord]] = defaultdict(list)
    for pull in record.pulls:
        pulls[str(pull.where), pull.output].append(pull)
    # Beside an output that is pulled to its target, one of the same shape is a variance, or whatever else.
    means = {key: mean(pull.towards for pull in found) for key, found in pulls.items()}
    drawn = {(where, pull.part) for (where, name), found in pulls.items() for pull in found
             if means[where, name] > t.DRAWN}  # fmt: skip
    for key, found in pulls.items():
        if not found[0].term and all((key[0], pull.part) in drawn for pull in found):
            continue
        enough = min((pull.numbers for pull in found if pull.numbers > 0), default=0)
        few = enough > 0 and abs(means[key]) < math.sqrt(t.BY_CHANCE / enough)
        if not few and means[key] < t.AWAY and max(pull.towards for pull in found) < t.NOT_TOWARDS:
            return min(found, key=lambda pull: pull.towards)
    return None


def _negated(node: str) -> bool:
    """Whether an odd number of minus signs stands before a distance, or before a sum that begins with one."""
    odd = False
    for part in node.split("<"):
        name = part.strip().removesuffix("0").removesuffix("1").removesuffix("Backward")
        if name == "Neg":
            odd = not odd
        elif name.startswith(_DISTANCES):
            return odd
        elif odd and name in {"Add", "Sub"}:
            continue  # a sum that begins with a distance, and a minus sign before all of it
        elif not name.startswith(_SAME_SIGN):
            return False
    return False


def _mirrors(record: Record, loss: LossRecord) -> bool:
    return any(
        call.function in _LOSSES and call.value > 0 and math.isclose(-call.value, loss.value, rel_tol=1e-5)
        for call in record.loss_calls
    )


CHECK = Check(
    id="loss-negated",
    title="Sign of the loss",
    step=3,
    seed="If it does not, there is a fundamental problem with the forward pass or loss computation.",
    why="A negated loss decreases strictly, without end: each step makes the prediction worse. Losses that are negative"
    " by right (log-likelihoods, policy gradients) are no distances and pass. Where the batch holds the targets, the"
    " gradient at the model's output tells for any loss, and for each of its terms, whether it pulls towards them.",
    run=run,
)
