"""CVG102: clipping that cannot work: too late, too early, on scaled gradients, on others' parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convdiag_lint.events import EventKind, Evidence
from convdiag_lint.project import kinds
from convdiag_lint.project.asking import gathering, same_thing
from convdiag_lint.project.origins import origins, parameter_owners
from convdiag_lint.project.values import Attr, Call, Const, Obj, Param, Ref, Seq, Value
from convdiag_lint.rules.base import Rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from convdiag_lint.events import Event, Finding
    from convdiag_lint.project.program import Program
    from convdiag_lint.project.steps import Context, Step
    from convdiag_lint.project.view import ModuleView


def check(view: ModuleView) -> Iterator[Finding]:
    """Yield one finding for each scope whose clipping has no effect."""
    seen: set[int] = set()
    for step in view.steps:
        if id(step.scope) in seen:
            continue
        for context in step.contexts:
            found = _judge(view.program, step, context)
            if found is not None:
                clip, message = found
                seen.add(id(step.scope))
                yield view.finding(
                    RULE.code,
                    RULE.name,
                    message,
                    clip.place,
                    step.scope.scope,
                    [
                        Evidence(context.backward.place.path, context.backward.place.line, "backward"),
                        Evidence(context.step.place.path, context.step.place.line, "step"),
                    ],
                )
                break


def _judge(program: Program, step: Step, context: Context) -> tuple[Event, str] | None:
    events = context.run.events
    inside = gathering(context)
    clips = [e for e in inside if e.kind is EventKind.CLIP and not e.attributes["hook"]]
    if not clips:
        return _too_late_or_early(program, context)
    if _scaled(program, context):
        for clip in clips:
            if clip.attributes["library"] or not isinstance(clip.attributes["call"], Call):
                continue
            before = events[: events.index(clip)]
            if any(e.kind is EventKind.UNSCALE and e.can_meet(clip) and e.can_meet(context.step) for e in before):
                continue
            return clip, (
                "gradients are clipped while the GradScaler still scales them;"
                " call scaler.unscale_(optimizer) before clipping"
            )
    spent = _spent_generator(program, context, clips)
    if spent is not None:
        return spent, (
            "clip_grad_norm_ is given a generator that is already used up, and clips nothing;"
            " pass model.parameters() or a list"
        )
    if all(_others(program, clip, context) for clip in clips):
        return clips[0], (
            "the clipped parameters are not those that this optimizer updates; clip the parameters it was given"
        )
    return None


def _too_late_or_early(program: Program, context: Context) -> tuple[Event, str] | None:
    run, step = context.run, context.step
    position = run.events.index(step)
    start = run.events.index(context.backward)
    if start > position:
        return None
    late = _clip_of_this_update(run.events[position + 1 :], step)
    if late is not None:
        return late, "gradients are clipped after optimizer.step() has used them; clip before step()"
    early = _clip_of_this_update(reversed(run.events[:start]), step)
    if early is not None:
        return early, "gradients are clipped before backward() computes them; clip between backward() and step()"
    return None


def _clip_of_this_update(events: Iterable[Event], step: Event) -> Event | None:
    """The first clip beside an update, looking away from it as far as the next backward or update."""
    for event in events:
        if event.kind in (EventKind.BACKWARD, EventKind.STEP) and event.can_meet(step):
            return None
        if event.kind is EventKind.CLIP and event.can_meet(step) and not event.attributes["hook"]:
            if event.loops == step.loops and event.frames == step.frames:
                return event
    return None


def _scaled(program: Program, context: Context) -> bool:
    scaler = context.step.attributes["scaler"]
    if not isinstance(scaler, Value) or kinds.kind(program, scaler) != kinds.SCALER:
        return False
    for made in origins(program, scaler):
        if isinstance(made, Call):
            enabled = made.keywords.get("enabled")
            if isinstance(enabled, Const) and enabled.value is False:
                return False
        if isinstance(made, Obj):
            return False
    return True


def _spent_generator(program: Program, context: Context, clips: list[Event]) -> Event | None:
    """A clip whose generator the optimizer, or an earlier round of the loop, has gone through."""
    used: set[int] = set()
    optimizer = context.step.subject
    if isinstance(optimizer, Value):
        for made in origins(program, optimizer):
            if isinstance(made, Call):
                used.update(id(v) for v in (*made.args, *made.keywords.values()))
    for clip in clips:
        given = clip.subject
        if isinstance(given, Seq) and given.lazy and id(given) in used:
            return clip
        if (
            isinstance(given, Call)
            and _is_generator(given)
            and (
                id(given) in used
                or (
                    clip.loops
                    and clip.loops[: len(given.loops)] == given.loops
                    and len(given.loops) < len(clip.loops)
                    and given.hint
                )
            )
        ):
            return clip
    return None


def _is_generator(value: Call) -> bool:
    callee = value.callee
    if isinstance(callee, Attr):
        return callee.name == "parameters"
    return isinstance(callee, Ref) and callee.name in ("filter", "map", "itertools.chain")


def _others(program: Program, clip: Event, context: Context) -> bool:
    """Whether a clip is surely of parameters that the optimizer does not hold."""
    subject, optimizer = clip.subject, context.step.subject
    if not isinstance(subject, Value) or not isinstance(optimizer, Value):
        return False
    mine = parameter_owners(program, subject)
    if not mine or not all(_identified(m) for m in mine):
        return False
    made = origins(program, optimizer)
    if len(made) != 1 or not isinstance(made[0], Call):
        return False
    held = parameter_owners(program, made[0].argument(0, "params"))
    if not held or not all(_identified(h) for h in held):
        return False
    return not any(same_thing(m, h) or _part_of(m, h) or _part_of(h, m) for m in mine for h in held)


def _identified(value: Value) -> bool:
    """Whether a value is surely a thing of its own: made in sight, or a parameter of the function."""
    return (isinstance(value, Obj) and value.made) or isinstance(value, Param)


def _part_of(value: Value, whole: Value) -> bool:
    if isinstance(value, Param) and isinstance(whole, Param):
        # `model` and `model_without_ddp` are one thing under two names.
        return value.hint in whole.hint or whole.hint in value.hint
    return any(part is value for part in whole.parts())


RULE = Rule(
    code="CVG102",
    name="misplaced-clipping",
    summary="Gradient clipping that cannot work: misplaced, on scaled gradients, or on other parameters.",
    seed="Gradient clipping controls the symptom, but the root cause is usually one of: a very large learning rate, a"
    " badly initialized weight matrix, or a loss function that is not Lipschitz near the current weights.",
    why="Clipping works on .grad between backward() and step(), in the units of the loss. After step() it is too late;"
    " before backward() it clips the last round's gradients; under a GradScaler without unscale_ it sees gradients"
    " multiplied by up to 65536 and shrinks every step to nothing; a spent generator clips nothing and says nothing.",
    example="""\
scaler.scale(loss).backward()
torch.nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
scaler.step(optimizer)
scaler.update()
""",
    fix="""\
scaler.scale(loss).backward()
scaler.unscale_(optimizer)
torch.nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
scaler.step(optimizer)
scaler.update()
""",
    check=check,
)
