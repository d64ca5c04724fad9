"""Clipping that does nothing: after the step, on scaled gradients, on other parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Check, Outcome, failed, number, passed, skipped, warned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Look at where each clip stands, what it sees and in which units."""
    seen = False
    for index, optimizer in enumerate(record.optimizers):
        steps = record.series(index)
        clips = [clip for step in steps for clip in step.clips]
        late = [clip for step in steps for clip in step.misplaced_clips]
        seen = seen or bool(clips or late)
        scaled = [clip for clip in clips if clip.scaled]
        # Where actor and critic are clipped apart, their calls together cover the optimizer.
        per_step = [sum(clip.covers for clip in step.clips) for step in steps if step.clips]
        covers = max(per_step, default=1.0)
        if scaled:
            scale = max(step.scale for step in steps)
            yield failed(
                f"gradients are clipped at {number(scaled[0].limit)} while multiplied by the loss scale"
                f" ({number(scale)}): every step shrinks to nothing",
                "call scaler.unscale_(optimizer) before clipping",
                scaled[0].where,
                norm=scaled[0].norm,
            )
        elif late and not clips and any(step.grad_norm > 0 for step in steps):
            yield failed(
                "gradients are clipped after the step, and before the next backward(): it changes nothing",
                "move the clipping between backward() and step()",
                late[0].where,
            )
        elif clips and covers <= 0:
            yield failed(
                f"clipping sees none of the parameters that {optimizer.name} holds",
                "hand over the parameters of the model; a generator can be used only once",
                clips[0].where,
            )
        elif clips and covers < t.CLIP_COVERS:
            yield warned(
                f"clipping sees {covers:.0%} of the parameters that {optimizer.name} holds",
                "hand over the parameters of the whole model",
                clips[0].where,
                covers=covers,
            )
    if not seen:
        yield skipped("nothing is clipped")
    else:
        yield passed("clipping stands between backward and step, in the units of the loss")


CHECK = Check(
    id="clipping-without-effect",
    title="Clipping in its place",
    step=4,
    seed="Add gradient clipping: ... before the optimizer step.",
    why="Clipping works on .grad between backward() and step(). After the step it is too late, before unscale_() it"
    " sees gradients multiplied by up to 65536, and with part of the parameters it bounds only that part.",
    run=run,
)
