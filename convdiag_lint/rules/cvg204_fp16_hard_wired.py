"""CVG204: float16 training that cannot be switched off without editing the code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convdiag_lint.events import Evidence
from convdiag_lint.project.frameworks import fixed_framework_halves, trainer_precisions
from convdiag_lint.project.precision import halves
from convdiag_lint.rules.base import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convdiag_lint.events import Finding
    from convdiag_lint.project.view import ModuleView

_REMEDY = "to diagnose NaN it must be switchable to float32; add a flag, as in autocast(enabled=args.amp)"


def check(view: ModuleView) -> Iterator[Finding]:
    """Yield one finding for each scope with constant float16."""
    program = view.program
    seen: set[int] = set()
    for step in view.steps:
        for context in step.contexts:
            for half in halves(program, context):
                if not half.fixed or half.call.function.module is not view.module or id(half.call.function) in seen:
                    continue
                seen.add(id(half.call.function))
                place = view.place(half.call.span)
                yield view.finding(
                    RULE.code,
                    RULE.name,
                    f"{half.what}, hard-wired: {_REMEDY}",
                    place,
                    half.call.function.scope,
                    [
                        Evidence(
                            context.step.place.path,
                            context.step.place.line,
                            "the update that it is part of",
                        )
                    ],
                )
    for call, value, scope in trainer_precisions(view):
        if value in ("16", "16-mixed", "16-true"):
            yield view.finding(
                RULE.code,
                RULE.name,
                f'precision="{value}", hard-wired: {_REMEDY}',
                view.place(call.span),
                scope,
                [],
            )
    for call, what, scope in fixed_framework_halves(view):
        yield view.finding(RULE.code, RULE.name, f"{what}, hard-wired: {_REMEDY}", view.place(call.span), scope, [])


RULE = Rule(
    code="CVG204",
    name="fp16-hard-wired",
    summary="float16 training that cannot be switched to bfloat16 or float32 without editing code.",
    seed="Switch to full fp32 to diagnose, then add epsilon to probabilities if needed.",
    why="The first question about a NaN is whether it survives in float32. If float16 is a constant, nobody asks it:"
    " the run that would have told needs an edit. A flag, a dtype variable or a capability test is enough.",
    example="""\
with torch.autocast("cuda", dtype=torch.float16):
    loss = criterion(policy(obs), action)
""",
    fix="""\
with torch.autocast("cuda", dtype=torch.float16, enabled=args.amp):
    loss = criterion(policy(obs), action)
""",
    check=check,
)
