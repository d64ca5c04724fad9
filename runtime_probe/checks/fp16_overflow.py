"""float16: overflow, and steps that the gradient scaler leaves out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Check, Outcome, failed, number, passed, skipped, warned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Count the updates that were left out."""
    steps = [step for index in range(len(record.optimizers)) for step in record.series(index)]
    if not any(step.scale != 1.0 or step.skipped for step in steps):
        yield skipped("no loss scale is in use")
        return
    skips = sum(step.skipped for step in steps)
    scales = [step.scale for step in steps]
    numbers: dict[str, Any] = {"skipped": skips, "steps": len(steps), "scale": scales[-1]}
    remedy = "run in float32 or bfloat16 to find what overflows; check the scale of inputs and loss"
    message = f"{skips} of {len(steps)} updates were left out; the loss scale went to {number(scales[-1])}"
    if skips == len(steps):
        yield failed(message, remedy, steps[0].where, **numbers)
    elif skips > t.SKIPPED_STEPS:
        yield warned(message, remedy, steps[0].where, **numbers)
    else:
        yield passed(f"loss scale {number(scales[-1])}, {skips} of {len(steps)} updates left out", **numbers)


CHECK = Check(
    id="fp16-overflow",
    title="Loss scale",
    step=6,
    seed="numerical precision failures in mixed-precision (fp16 or bf16) training can produce genuine zeros in the"
    " softmax output. Switch to full fp32 to diagnose",
    why="float16 ends at 65504. A scaler halves its scale and skips the step each time a gradient is beyond; a few"
    " skips at the start are how it works, ten in ten mean that nothing is trained.",
    run=run,
)
