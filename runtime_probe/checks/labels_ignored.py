"""Classes that are ignored; of language models, prompts that are learnt, and answers that are not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Check, Outcome, passed, skipped, warned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Ask which labels are left out of the loss."""
    features = record.features
    where = next((call.where for call in record.loss_calls if call.classes), None)
    left_out = max(record.loss_calls, key=lambda call: call.ignored, default=None)
    pixels = max(record.loss_calls, key=lambda call: call.ignored_pixels, default=None)
    if left_out is not None and left_out.ignored > t.IGNORED:
        yield warned(
            f"{left_out.ignored:.0%} of the labels of {left_out.function}, one for each sample, are ignored",
            "drop ignore_index, or give it a number that is no class",
            left_out.where,
            ignored=left_out.ignored,
        )
    elif pixels is not None and pixels.ignored_pixels > t.IGNORED_PIXELS:
        yield warned(
            f"{pixels.ignored_pixels:.0%} of the pixels that {pixels.function} is given are of a class that it ignores,"
            " and that the head has an output for: it is never told where that class is",
            "drop ignore_index, or give what nobody labelled a number that is no class (255)",
            pixels.where,
            ignored=pixels.ignored_pixels,
        )
    elif features.one_position:
        yield warned(
            f"the loss takes one of the {features.one_position} positions of each sequence, and all have a label",
            "loss = cross_entropy(logits.flatten(0, 1), labels.flatten()): each position is an example",
            where,
            positions=features.one_position,
        )
    elif features.answers_ignored:
        yield warned(
            "all sequences begin with labels that are learnt, and what follows them is ignored: is the mask of the"
            " prompt turned round?",
            "ignore the prompt (-100) and learn the answer",
            where,
        )
    elif features.end_not_learnt is not None:
        yield warned(
            f"what follows the last label that is learnt is always token {features.end_not_learnt}, and that is"
            " ignored: the model never learns to stop",
            "append an end token of its own to each sequence, other than the padding, and keep its label",
            where,
            token=features.end_not_learnt,
        )
    elif features.targets_are_shifted:
        yield passed("no ends and no answers are ignored")
    else:
        yield skipped(f"{family.name}: no token is predicted from those before it")


CHECK = Check(
    id="labels-ignored-wrongly",
    title="The right labels are ignored",
    step=7,
    seed="",
    why="Where padding is the end token, as tokenizers are often set, to ignore the padding is to ignore the end, and"
    " what is generated runs on until it is cut. Nothing of it shows in the loss.",
    run=run,
)
