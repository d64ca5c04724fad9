"""CVG103: an optimizer that steps again and again while nothing clears the gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convdiag_lint.events import EventKind, Evidence
from convdiag_lint.project import kinds
from convdiag_lint.project.asking import edited, opaque_for, same_thing
from convdiag_lint.project.origins import origins
from convdiag_lint.project.values import Elem, Item, Value
from convdiag_lint.rules.base import Rule
from convdiag_lint.rules.scopes import each_scope

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convdiag_lint.events import Event, Finding
    from convdiag_lint.project.program import Program
    from convdiag_lint.project.run import Run, Site
    from convdiag_lint.project.steps import Context, Step
    from convdiag_lint.project.view import ModuleView
    from convdiag_lint.reading.syntax import Function


def check(view: ModuleView) -> Iterator[Finding]:
    """Yield one finding for each scope whose gradients pile up."""
    yield from each_scope(view, _judge)


def _judge(view: ModuleView, step: Step) -> Finding | None:
    for context in step.contexts:
        if _cleared(view.program, step, context) or not _repeats(view.program, context):
            continue
        back = context.backward.place
        return view.finding(
            RULE.code,
            RULE.name,
            "step() runs in a loop and nothing clears the gradients, so each step adds the last ones again;"
            " add optimizer.zero_grad(set_to_none=True) before backward()",
            edited(view.program, step.scope, context),
            step.scope.scope,
            [Evidence(back.path, back.line, "gradients are added here")],
            unsure=_unknown(view.program, context),
        )
    return None


def _repeats(program: Program, context: Context) -> bool:
    if context.step.loops and context.backward.loops:
        return True
    return any(site.loops for site in _sites_above(program, context.run.function))


def _sites_above(program: Program, function: Function, depth: int = 3) -> Iterator[Site]:
    if depth > 0:
        for site in program.callers.of(function):
            yield site
            yield from _sites_above(program, site.caller, depth - 1)


def _cleared(program: Program, step: Step, context: Context) -> bool:
    if context.step.attributes["engine"] or context.backward.attributes.get("apart"):
        return True
    for run in _runs_around(program, step, context):
        for event in run.events:
            if event.kind is EventKind.CLEAR and _clears(program, event, context.step, run is context.run):
                return True
    return False


def _runs_around(program: Program, step: Step, context: Context) -> Iterator[Run]:
    """The update's own timeline, then those above it: mostly the first one answers."""
    yield context.run
    yield program.run(step.scope)
    for site in _sites_above(program, context.run.function):
        yield program.run(site.caller)


def _clears(program: Program, event: Event, step: Event, same_run: bool) -> bool:
    """Whether a clearing is this optimizer's, or may be."""
    if same_run and step.loops and not event.loops and not event.attributes.get("hook"):
        # Cleared once, before the loop begins.
        return False
    if same_run and not event.can_meet(step):
        # Accumulation: cleared under another branch of the round, but cleared.
        return same_thing(event.subject, step.subject)
    if same_thing(event.subject, step.subject):
        return True
    subject = event.subject
    assert isinstance(subject, Value)
    if kinds.kind(program, subject) != kinds.OPTIMIZER:
        return True
    # Another optimizer's name: its own if nothing in this run clears by that name.
    mine = step.subject
    assert isinstance(mine, Value)
    if isinstance(subject, (Elem, Item)) and any(made is mine for made in origins(program, subject)):
        return True
    return not (same_run and mine.hint and subject.hint and mine.hint != subject.hint)


def _unknown(program: Program, context: Context) -> bool:
    return context.run.truncated or opaque_for(program, context.run.events, context) is not None


RULE = Rule(
    code="CVG103",
    name="gradients-not-cleared",
    summary="A loop in which an optimizer steps and nothing clears the gradients.",
    seed="The optimizer is overshooting the minimum on every step.",
    why="backward() adds to what is already in .grad. Without zero_grad() every step follows the sum of all gradients"
    " so far: the loss falls for a while, then swings and diverges, which looks like a learning rate that is too high."
    " Clearing every N steps together with the step (accumulation) is fine.",
    example="""\
for obs, action in loader:
    loss = criterion(policy(obs), action)
    loss.backward()
    optimizer.step()
""",
    fix="""\
for obs, action in loader:
    optimizer.zero_grad(set_to_none=True)
    loss = criterion(policy(obs), action)
    loss.backward()
    optimizer.step()
""",
    check=check,
)
