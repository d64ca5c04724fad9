"""CVG101: a training step in which no gradient is clipped between backward and step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convdiag_lint.events import EventKind, Evidence
from convdiag_lint.project.asking import config_of, edited, gathering, opaque_for
from convdiag_lint.project.frameworks import clipping_of_framework, deepspeed_calls
from convdiag_lint.project.gradients import CLIPPERS
from convdiag_lint.project.origins import origins, parameter_owners
from convdiag_lint.project.values import Call, Const, Obj, Ref, Value, describe
from convdiag_lint.rules.base import Rule
from convdiag_lint.rules.scopes import each_scope

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convdiag_lint.events import Finding
    from convdiag_lint.project.program import Program
    from convdiag_lint.project.steps import Context, Step
    from convdiag_lint.project.view import ModuleView

_OWN_LIMIT = (
    "max_grad_norm",
    "clip_grad",
    "grad_clip",
    "clip_threshold",
    "grad_clip_norm",
    "max_norm",
    "clipnorm",
    "clip_grad_norm",
)


def check(view: ModuleView) -> Iterator[Finding]:
    """Yield one finding for each scope with an unclipped update."""
    yield from each_scope(view, _judge)
    yield from clipping_of_framework(view, RULE.code, RULE.name)


def _judge(view: ModuleView, step: Step) -> Finding | None:
    unsure = False
    if step.stored and any(_clips(view.program, context) for context in step.contexts):
        return None
    evidence: list[Evidence] = []
    bare = None
    for context in step.contexts:
        if _clips(view.program, context):
            continue
        opaque = opaque_for(view.program, gathering(context), context)
        if opaque is not None or context.run.truncated:
            unsure = True
            if opaque is not None:
                text = f"not read: {describe(opaque.subject)}"
                evidence.append(Evidence(opaque.place.path, opaque.place.line, text))
            continue
        bare = context
        break
    if bare is None and not unsure:
        return None
    context = bare or step.contexts[0]
    name = describe(context.step.subject, 3)
    back = context.backward.place
    evidence.insert(0, Evidence(back.path, back.line, "gradients are computed here"))
    evidence.append(Evidence(context.step.place.path, context.step.place.line, f"{name} updates the parameters here"))
    return view.finding(
        RULE.code,
        RULE.name,
        "no gradient clipping between backward() and step();"
        " add torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)",
        edited(view.program, step.scope, context),
        step.scope.scope,
        evidence,
        unsure=bare is None,
    )


def _clips(program: Program, context: Context) -> bool:
    if any(event.kind is EventKind.CLIP for event in gathering(context)):
        return True
    if any(e.kind is EventKind.CLIP and e.attributes["hook"] for e in context.run.events):
        return True
    if _hooked(program, context):
        return True
    subject = context.step.subject
    if not isinstance(subject, Value):
        return False
    if context.step.attributes["engine"]:
        calls = deepspeed_calls(program, context.run.function)
        return not calls or any(
            held or not readable for held, readable in (config_of(c, "gradient_clipping") for c in calls)
        )
    return any(_clips_itself(program, made) for made in origins(program, subject))


def _hooked(program: Program, context: Context) -> bool:
    """Whether a hook that clamps is registered where this step, or what it trains, is set up."""
    for path in _set_up_in(program, context):
        data = program.files.read(path)
        if b"_hook(" not in data or (b"clamp" not in data and b"clip" not in data):
            continue
        module = program.modules.get(path)
        for function in module.functions if module is not None else ():
            if "register_hook" in function.words or "register_step_pre_hook" in function.words:
                if any(e.kind is EventKind.CLIP and e.attributes["hook"] for e in program.run(function).events):
                    return True
    return False


def _set_up_in(program: Program, context: Context) -> list[str]:
    """Files of the step, of its callers, and of the classes of the modules that the optimizer holds."""
    functions = [context.run.function]
    for function in functions:
        if len(functions) > 8:
            break
        functions += [s.caller for s in program.callers.of(function) if s.caller not in functions]
    paths = {function.module.path for function in functions}
    if isinstance(context.step.subject, Value):
        for made in origins(program, context.step.subject):
            held = parameter_owners(program, made.argument(0, "params")) if isinstance(made, Call) else None
            paths.update(owner.cls.module.path for owner in held or () if isinstance(owner, Obj))
    return sorted(paths)


def _clips_itself(program: Program, made: Value) -> bool:
    """Whether an optimizer bounds its gradients itself."""
    if isinstance(made, Obj):
        words = {w for cls in program.classes.linear(made.cls) for m in cls.methods.values() for w in m.words}
        return bool(words & CLIPPERS) or bool(words & {"clip_coef", "grad_clip", "max_grad_norm", "kl_clip"})
    if isinstance(made, Call):
        for name in _OWN_LIMIT:
            limit = made.keywords.get(name)
            if limit is not None and not (isinstance(limit, Const) and not limit.value):
                return True
        if isinstance(made.callee, Ref) and made.callee.name.rpartition(".")[2] == "Adafactor":
            return "clip_threshold" not in made.keywords
    return False


RULE = Rule(
    code="CVG101",
    name="unclipped-gradients",
    summary="A training step in which no gradient is clipped between backward and step.",
    seed="A training curve that is mostly well-behaved but has periodic large spikes is a gradient explosion"
    " signature. ... Add gradient clipping before the optimizer step.",
    why="One bad batch gives a gradient that throws the weights far from the minimum, and hours of progress with it."
    " A norm bound of 1.0 (OpenVLA, arXiv:2406.09246) costs nothing on ordinary batches. Clipping in a helper, in a"
    " base class, in a trainer or in the optimizer itself counts; so does clipping that a setting turns on.",
    example="""\
loss = criterion(policy(obs), action)
loss.backward()
optimizer.step()
""",
    fix="""\
loss = criterion(policy(obs), action)
loss.backward()
torch.nn.utils.clip_grad_norm_(policy.parameters(), max_norm=1.0)
optimizer.step()
""",
    check=check,
)
