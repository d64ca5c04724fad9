"""Padding that takes part: in attention, in the loss, or instead of the content."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Check, Outcome, failed, passed, skipped, warned
from runtime_probe.checks.masks import may_be_one, named, says

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import FilledRead, MaskRecord, Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Judge what the loss depends on, and what it counts."""
    asked = [mask for mask in record.masks if named(mask) or may_be_one(mask)]
    judged = [mask for mask in asked if mask.filled is not None or _reversed(mask) or _against_name(mask)]
    judged = [mask for mask in judged if mask.part] or judged
    for mask in judged:
        yield _of_targets(mask)
    read = [answers for answers in record.experiments.alike if answers.filled]
    for answers in read:
        yield failed(
            f"{answers.model} answers the same to {answers.alike} of {answers.samples} samples, to the last digit:"
            " to those whose ends are filled up",
            "read the last frame of each sequence, not of the padded batch: x[arange(N), lengths - 1], or the final"
            " state that a packed sequence gives",
            alike=answers.alike,
        )
    filled = record.experiments.filled
    for item in filled:
        yield _of_numbers(item)
    padding = record.padding
    if padding is None:
        if not judged and not read and not filled:
            yield skipped("no padding was seen")
        return
    if padding.within:
        yield warned(
            f"{padding.within:.0%} of the tokens within sequences are the embedding's padding (token {padding.token})",
            "keep the ids of padding and other special tokens apart from those of words: what is looked up there is 0,"
            " and masked",
            share=padding.within,
        )
    if padding.only:
        yield failed(
            f"the loss depends on the padding (token {padding.token}) and on no other token behind the first",
            "turn the mask round: attention_mask of transformers is 1 for content, key_padding_mask of torch is True"
            " for padding",
        )
    if padding.in_loss:
        yield warned(
            f"{padding.in_loss:.0%} of the targets are padding (token {padding.token}), and count in the loss",
            f"give cross_entropy ignore_index={padding.token}, or set those labels to -100",
            padding.where,
            share=padding.in_loss,
        )
    elif padding.attended:
        yield warned(
            f"padding (token {padding.token}) takes part in the result: the loss depends on it",
            "pass the mask of the padding to attention, pack padded sequences, leave padding out of means",
        )
    elif not padding.only and not padding.within:
        yield passed("padding is neither seen nor learnt")


def _of_numbers(item: FilledRead) -> Outcome:
    """Sequences of numbers that end in a filler."""
    numbers: dict[str, Any] = {"filler": item.filler, "content": item.content, "share": item.share}
    if item.filler > 0.0 and item.content == 0.0:
        return failed(
            f"{item.model}: what it says depends on what fills `{item.argument}` up, and on no content",
            "turn the mask round: key_padding_mask of torch is True for padding",
            **numbers,
        )
    if item.filler > t.FILLER_READ * item.content:
        return warned(
            f"{item.model} reads what fills `{item.argument}` up ({item.share:.0%} of its steps): a step of it weighs"
            f" {item.filler / item.content:.2g} times as much as one of content",
            "pass the mask of the padding to attention, pack padded sequences, leave padding out of means, and read the"
            " last step of each sequence, not of the padded batch",
            **numbers,
        )
    return passed(f"{item.model} does not read what fills `{item.argument}` up", **numbers)


def _reversed(mask: MaskRecord) -> bool:
    """Whether only the few count that are not marked: a mask of what is there, turned round."""
    return mask.marked == 0.0 < mask.unmarked and mask.share > t.MASK_OF_MOST


def _against_name(mask: MaskRecord) -> bool:
    """Whether only those few count that are padding by the name of the mask, or none that are valid by it."""
    if says(mask):
        return mask.marked == 0.0 < mask.unmarked and mask.share > t.MASK_BY_NAME
    return says(mask) is False and mask.unmarked == 0.0 < mask.marked and mask.share < 1.0 - t.MASK_BY_NAME


def _of_targets(mask: MaskRecord) -> Outcome:
    """Targets that are all the same on one side of a mask, or 0 at the ends of sequences."""
    if mask.filled is None:
        share = mask.share if mask.marked > 0.0 else 1.0 - mask.share
        return warned(
            f"only targets count where {mask.variable or mask.part} is {mask.marked > 0.0} ({share:.0%})",
            "turn the mask round, unless these few are what is to be learnt",
            mask.where,
            share=share,
        )
    filler, content = (mask.marked, mask.unmarked) if mask.filled else (mask.unmarked, mask.marked)
    share = mask.share if mask.filled else 1.0 - mask.share
    side = f"{mask.part} is {mask.filled}" if mask.part else "sequences are filled up with zeros"
    numbers: dict[str, Any] = {"filler": filler, "content": content, "share": share}
    if filler > 0.0 and content == 0.0:
        return failed(
            f"only targets count where {side}, which are all the same, and none of the others",
            "turn the mask round",
            mask.where,
            **numbers,
        )
    if filler > t.FILLER_COUNTS * content and share < t.FILLER_OF_MOST:
        return warned(
            f"targets count in the loss where {side} ({share:.0%}), and are all the same there",
            "multiply the errors by the mask of what is there, and divide by its sum, or index with it",
            mask.where,
            **numbers,
        )
    return passed(f"what is filled up does not count in the loss where {side}", mask.where, **numbers)


CHECK = Check(
    id="padding-not-masked",
    title="Padding is masked",
    step=7,
    seed="",
    why="Sequences of a batch are filled up to one length. What is filled in is not data: attended to it drowns the"
    " content, counted in a loss it is most of what there is to learn.",
    run=run,
)
