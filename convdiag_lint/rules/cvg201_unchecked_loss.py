"""CVG201: an update whose loss was never tested for NaN or Inf."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convdiag_lint.events import Event, EventKind, Evidence
from convdiag_lint.project.asking import about_training, edited, opaque_for_loss
from convdiag_lint.project.finite import finite_tests, finite_words
from convdiag_lint.project.frameworks import anomaly_mode, unchecked_framework_losses
from convdiag_lint.project.origins import origins
from convdiag_lint.project.values import Obj, Value
from convdiag_lint.rules.base import Rule
from convdiag_lint.rules.scopes import each_scope

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convdiag_lint.events import Finding
    from convdiag_lint.project.program import Program
    from convdiag_lint.project.run import Site
    from convdiag_lint.project.steps import Context, Step
    from convdiag_lint.project.view import ModuleView
    from convdiag_lint.reading.syntax import Function


def check(view: ModuleView) -> Iterator[Finding]:
    """Yield one finding for each scope with an untested loss."""
    yield from each_scope(view, _judge)
    yield from unchecked_framework_losses(view, RULE.code, RULE.name)


def _judge(view: ModuleView, step: Step) -> Finding | None:
    program = view.program
    unsure = False
    bare = None
    for context in step.contexts:
        if _checked(program, step, context):
            continue
        if context.run.truncated or opaque_for_loss(context) is not None:
            unsure = True
            continue
        bare = context
        break
    if bare is None and not unsure:
        return None
    context = bare or step.contexts[0]
    back = context.backward.place
    return view.finding(
        RULE.code,
        RULE.name,
        "the loss is never tested for NaN or Inf before the update;"
        " add assert torch.isfinite(loss).all() before backward()",
        edited(program, step.scope, context),
        step.scope.scope,
        [Evidence(back.path, back.line, "the loss is used here, untested")],
        unsure=bare is None,
    )


def _checked(program: Program, step: Step, context: Context) -> bool:
    if _tested(program, context):
        return True
    if any(
        _tested_above(program, function, context, 3)
        for function in {id(f): f for f in (step.scope, context.run.function)}.values()
    ):
        return True
    around = _around(program, step, context)
    for function in around:
        for event in program.run(function).events:
            if event.kind is EventKind.CHECK_FINITE and event.attributes.get("anomaly") == "set_detect_anomaly":
                return True
    subject = context.step.subject
    if isinstance(subject, Value):
        for made in origins(program, subject):
            if isinstance(made, Obj):
                words = {w for c in program.classes.linear(made.cls) for m in c.methods.values() for w in m.words}
                if finite_words(words):
                    return True
    return anomaly_mode(program, [f.module.path for f in around])


def _tested_above(program: Program, function: Function, context: Context, depth: int) -> bool:
    """Whether every caller tests the loss it hands over, or ends the run right after the update."""
    sites = program.callers.of(function) if depth > 0 else []
    return bool(sites) and all(
        _tested_around(program, site, context) or _tested_above(program, site.caller, context, depth - 1)
        for site in sites
    )


def _tested_around(program: Program, site: Site, context: Context) -> bool:
    for event in program.run(site.caller).events:
        if event.kind is not EventKind.CHECK_FINITE or len(event.frames) > 1 or event.attributes["ended"] == "continue":
            continue
        compatible = {g.condition: g.branch for g in site.guards}
        if all(compatible.get(g.condition, g.branch) == g.branch for g in event.guards):
            if about_training(program, event.subject, context):
                return True
    return False


def _around(program: Program, step: Step, context: Context) -> list[Function]:
    """The functions that the update runs under: its scope, its context, their callers."""
    found = [step.scope, context.run.function]
    for function in found:
        if len(found) > 12:
            break
        for site in program.callers.of(function):
            if site.caller not in found:
                found.append(site.caller)
    mains: list[Function] = []
    for function in found:
        if function.module.main not in (*found, *mains):
            mains.append(function.module.main)
    return [*found, *mains]


def _tested(program: Program, context: Context) -> bool:
    run, step = context.run, context.step
    position = run.events.index(step)
    for index, event in enumerate(run.events):
        if event.kind is not EventKind.CHECK_FINITE:
            continue
        if event.attributes.get("anomaly"):
            return True
        if not _stops(event, step, index > position):
            continue
        if about_training(program, event.subject, context):
            return True
    # The update itself stands under a test.
    for guard in (*step.guards, *context.backward.guards):
        test = run.tests.get(guard.condition)
        if test is not None:
            for subject in finite_tests(program, test):
                if about_training(program, subject, context):
                    return True
    return False


def _stops(check: Event, step: Event, later: bool) -> bool:
    """Whether what a test ends (a function, a loop, the program) holds the update."""
    ended = check.attributes["ended"]
    if ended == "raise":
        return True
    inside = step.frames[: len(check.frames)] == check.frames
    if ended in ("return", "mixed"):
        return inside
    if ended == "break":
        return inside
    return inside and not later and step.loops[: len(check.loops)] == check.loops


RULE = Rule(
    code="CVG201",
    name="unchecked-loss",
    summary="A training step whose loss is never tested for NaN or Inf before the update.",
    seed="Check for NaN. Add assert not torch.isnan(loss) and assert not torch.isinf(loss) after the loss computation.",
    why="One NaN loss makes every weight NaN at the next step, and the job runs on for days without a word."
    " A GradScaler skips such steps in silence, clip_grad_norm_ passes them on, and a printed NaN stops nothing."
    " Any test that prevents the update or ends the run counts, also of the gradients' norm.",
    example="""\
loss = criterion(policy(obs), action)
loss.backward()
optimizer.step()
""",
    fix="""\
loss = criterion(policy(obs), action)
assert torch.isfinite(loss), f"loss is {loss.item()} at step {step}"
loss.backward()
optimizer.step()
""",
    check=check,
)
