"""The worst weights of a run are kept for the best."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runtime_probe.checks.base import Check, Outcome, failed, passed, skipped

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record

_LESS = re.compile(r"loss|error|rmse|mse|mae|perplexity|nll|(?<![a-z])(wer|cer|ppl|fid|kl)(?![a-z])")
_MORE = re.compile(
    r"acc|auroc|auc|f1|dice|reward|success|precision|recall|(?<![a-z])(m?iou|m?ap|r2|bleu|psnr|ssim)(?![a-z])"
)


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Compare the name of what is monitored with the direction in which it is taken to be better."""
    for keeper in record.keepers:
        name = keeper.monitor.lower()
        less, more = bool(_LESS.search(name)), bool(_MORE.search(name))
        if keeper.never:
            bound, than = ("infinity", "more") if keeper.more else ("minus infinity", "less")
            yield failed(
                f"{keeper.kind} never keeps any weights: the best `{keeper.monitor}` begins with {bound}, and is"
                f" replaced by what is {than}",
                "turn the comparison round, or begin with the other infinity",
            )
        elif less is not more and keeper.more is less:
            better, mode = ("less", "min") if less else ("more", "max")
            yield failed(
                f"{keeper.kind} keeps the weights with the {'most' if keeper.more else 'least'} `{keeper.monitor}`, of"
                f" which {better} is better",
                f'turn the comparison round; with Lightning mode="{mode}", with transformers'
                f" greater_is_better={not less}",
            )
        else:
            yield passed(f"{keeper.kind} looks at {keeper.monitor}, {'more' if keeper.more else 'less'} is better")
    if not record.keepers:
        yield skipped("nothing that keeps the best weights was found: no callback, no comparison with the best so far")


CHECK = Check(
    id="worst-weights-kept",
    title="The best weights are kept",
    step=4,
    seed="",
    why="A checkpoint of the largest validation loss is that of the first epoch, or of a spike. Training looks fine,"
    " and what is deployed has learnt nothing.",
    run=run,
)
