"""float16 without a scaler, or with one whose scale stays in the gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe.checks.base import Check, Outcome, failed, number, passed, skipped, warned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Look at what the optimizer was given."""
    steps = [step for index in range(len(record.optimizers)) for step in record.series(index)]
    half = record.features.autocast == "float16" or any(
        p.dtype.endswith("float16") and "bfloat" not in p.dtype and p.optimizer is not None for p in record.parameters
    )
    still = [step for step in steps if step.still_scaled]
    scaled = any(step.scale != 1.0 or any(loss.scaled_by != 1.0 for loss in step.losses) for step in steps)
    if still:
        scale = max([step.scale for step in still] + [loss.scaled_by for step in still for loss in step.losses])
        yield failed(
            f"{len(still)} of {len(steps)} updates used gradients still multiplied by the loss scale ({number(scale)})",
            "step through scaler.step(optimizer), not optimizer.step()",
            still[0].where,
            scale=scale,
        )
    elif half and not scaled:
        yield warned(
            "training in float16 without a gradient scaler: gradients below 6e-8 become 0",
            "step through torch.amp.GradScaler, or use bfloat16",
            steps[0].where if steps else None,
        )
    elif half or scaled:
        yield passed("gradients are scaled for the backward pass and unscaled for the update")
    else:
        yield skipped("nothing runs in float16")


CHECK = Check(
    id="fp16-gradients-not-unscaled",
    title="float16 gradients",
    step=6,
    seed="numerical precision failures in mixed-precision (fp16 or bf16) training",
    why="float16 has no numbers below 6e-8: a scaler multiplies the loss so that gradients stay representable"
    " (arXiv:1710.03740), and divides them before the update. If it does not, the learning rate is 65536 times too"
    " high, which Adam hides and clipping makes worse.",
    run=run,
)
