"""CVG203: float16 training whose gradients nothing scales."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convdiag_lint.events import Evidence
from convdiag_lint.project.asking import edited
from convdiag_lint.project.frameworks import trainer_precisions
from convdiag_lint.project.precision import halves, scaled
from convdiag_lint.rules.base import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convdiag_lint.events import Finding
    from convdiag_lint.project.view import ModuleView


def check(view: ModuleView) -> Iterator[Finding]:
    """Yield one finding for each scope that trains in float16 without a scaler."""
    program = view.program
    seen: set[int] = set()
    for step in view.steps:
        for context in step.contexts:
            if id(step.scope) in seen or scaled(program, context):
                continue
            for half in halves(program, context):
                place = program.place(half.call.function.module, half.call.span)
                if half.sure:
                    seen.add(id(step.scope))
                yield view.finding(
                    RULE.code,
                    RULE.name,
                    f"{half.what}, and no gradient scaler: small gradients become zero;"
                    " step through torch.amp.GradScaler, or use bfloat16",
                    edited(program, step.scope, context),
                    step.scope.scope,
                    [Evidence(place.path, place.line, half.what)],
                    unsure=not half.sure,
                )
                break
    for call, value, scope in trainer_precisions(view):
        if value == "16-true":
            yield view.finding(
                RULE.code, RULE.name,
                'precision="16-true" trains in float16 without a gradient scaler; use "16-mixed" or "bf16-mixed"',
                view.place(call.span), scope, [],
            )  # fmt: skip


RULE = Rule(
    code="CVG203",
    name="fp16-without-scaler",
    summary="Training in float16 whose step no gradient scaler protects.",
    seed="Numerical precision failures in mixed-precision (fp16 or bf16) training can produce genuine zeros in the"
    " softmax output.",
    why="float16 has no numbers below 6e-8: most gradients of a trained network are smaller than that at times, become"
    " zero, and the loss stands still for no visible reason. A GradScaler multiplies the loss so that they stay"
    " representable (arXiv:1710.03740). bfloat16 has the range of float32 and needs none.",
    example="""\
with torch.autocast("cuda", dtype=torch.float16):
    loss = criterion(policy(obs), action)
loss.backward()
optimizer.step()
""",
    fix="""\
scaler = torch.amp.GradScaler("cuda")
with torch.autocast("cuda", dtype=torch.float16):
    loss = criterion(policy(obs), action)
scaler.scale(loss).backward()
scaler.step(optimizer)
scaler.update()
""",
    check=check,
)
