"""NaN and infinity, with the operation and module where they began."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from runtime_probe.checks.base import Check, Outcome, failed, passed, skipped, warned
from runtime_probe.record import Where

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import NonFinite, Record

_SAID = re.compile(
    r"\b(nan|inf|infinity|infinite)\b|not finite|non-?finite|isfinite|isnan|isinf|detect_anomaly", re.IGNORECASE
)
"""How scripts that check for themselves say it."""
_ORDER = ("input", "activation", "loss", "gradient", "parameter")
_REMEDIES = {
    "log": "take log_softmax or logsigmoid, or add an epsilon inside the log",
    "div": "add an epsilon to the denominator",
    "sqrt": "add an epsilon inside the root: its gradient at 0 is infinite",
    "norm": "add an epsilon inside the root: the gradient of a norm at 0 is not defined",
    "pow": "add an epsilon below the exponent: its gradient at 0 is infinite",
    "exp": "clamp the exponent, or subtract the maximum first",
    "softmax": "a row that is masked everywhere has no softmax",
    "std": "the std of one sample is not defined",
}


def checked_itself(record: Record) -> bool:
    """Whether the script ended by its own test for NaN and infinity."""
    crash = record.crash
    if crash is None or "does not require grad" in crash.message:
        return False
    last = crash.traceback.strip().splitlines()[-4:]
    return bool(_SAID.search(crash.message)) or bool(_SAID.search("\n".join(last)))


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Report where the first NaN or infinity came from."""
    bad = [item for item in record.nonfinite if not _overflow_of_scaler(record, item)]
    if bad:
        first = min(bad, key=lambda item: (item.step, not item.operation, _ORDER.index(item.what)))
        yield failed(
            _sentence(first, bad), _remedy(record, first), _place(first, bad), what=first.what, step=first.step
        )
        return
    losses = [step.loss for i in range(len(record.optimizers)) for step in record.series(i) if step.losses]
    lost = [value for value in losses if not math.isfinite(value)]
    if checked_itself(record):
        crash = record.crash
        assert crash is not None
        yield failed(
            f"the script's own check ended it: {crash.type}: {crash.message.splitlines()[0] if crash.message else ''}",
            "print the inputs of the line that made it; is there a log(0), a 0/0, an input that is not normalized?",
            crash.where,
        )
    elif lost:
        yield failed(f"the loss is {lost[0]} at {len(lost)} of {len(losses)} steps", _remedy(record, None))
    elif record.nonfinite:
        yield warned(
            "gradients overflow, and the gradient scaler leaves those steps out", "see the line on half precision"
        )
    elif not record.steps:
        yield skipped("no step was seen")
    else:
        yield passed(f"loss, gradients and parameters in {len(losses)} steps")


def _overflow_of_scaler(record: Record, item: NonFinite) -> bool:
    """Whether this is an overflow that a gradient scaler caught: a few of them are how it finds its scale."""
    if item.what not in {"gradient", "activation"} or not 0 <= item.step < len(record.steps):
        return False
    step = record.steps[item.step]
    return step.skipped and all(math.isfinite(loss.value) for loss in step.losses)


def _sentence(first: NonFinite, bad: list[NonFinite]) -> str:
    value = "NaN" if first.value == "nan" else "infinity"
    text = f"{value} in the {first.what}"
    if first.name:
        text += f" {first.name}"
    text += f" at step {first.step + 1}"
    if first.operation:
        text += f"; it began in {first.operation} ({first.during})"
    module = next((item.module for item in bad if item.module), "")
    if module:
        text += f" of {module}"
    return text


def _place(first: NonFinite, bad: list[NonFinite]) -> Where:
    return next((item.where for item in [first, *bad] if item.where.path), Where())


def _remedy(record: Record, first: NonFinite | None) -> str:
    if first is not None and first.what == "input":
        return "clean the data: drop or fill the values before they reach the model"
    operation = first.operation.lower() if first is not None else ""
    for word, remedy in _REMEDIES.items():
        if word in operation:
            return remedy
    if record.features.autocast == "float16":
        return "run in float32 or bfloat16 and see whether it stays"
    return "check for log(0) and 0/0 in the loss, and normalize the inputs"


CHECK = Check(
    id="nan-or-inf",
    title="Everything is finite",
    step=5,
    seed="Check for NaN. Add assert not torch.isnan(loss) and assert not torch.isinf(loss) after the loss computation.",
    why="One NaN makes every weight NaN at the next update. Its origin is the first operation with finite inputs and an"
    " output that is not, which may be far from the loss where it shows.",
    run=run,
)
