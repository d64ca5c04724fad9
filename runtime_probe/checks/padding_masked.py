"""Padding that takes part: in attention, in the loss, or instead of the content."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe.checks.base import Check, Outcome, failed, passed, skipped, warned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Judge what the loss depends on, and what it counts."""
    padding = record.padding
    if padding is None:
        yield skipped("no padded tokens were seen")
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


CHECK = Check(
    id="padding-not-masked",
    title="Padding is masked",
    step=7,
    seed="",
    why="Sequences of a batch are filled up to one length. What is filled in is not data: attended to it drowns the"
    " content, counted in a loss it is most of what there is to learn.",
    run=run,
)
