"""CVG301: raw numbers that reach the first layer of the trained model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convdiag_lint.events import EventKind, Evidence
from convdiag_lint.project import kinds
from convdiag_lint.project.inputs import enters_raw, takes_raw
from convdiag_lint.project.origins import origins
from convdiag_lint.project.scales import Scale, scale_of
from convdiag_lint.project.unwrapping import unwrapped
from convdiag_lint.project.values import Attr, Call, FuncVal, Obj, Value, call_name, describe
from convdiag_lint.rules.base import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convdiag_lint.events import Finding
    from convdiag_lint.project.program import Program
    from convdiag_lint.project.view import ModuleView
    from convdiag_lint.reading.syntax import Function


def check(view: ModuleView) -> Iterator[Finding]:
    """Yield one finding for each function in which raw values enter a model."""
    if not _trains(view):
        return
    program = view.program
    told: set[tuple[str, int]] = set()
    for function in view.functions:
        if function.owner is not None and kinds.kind(program, program.classes.this(function.owner)) == kinds.MODULE:
            continue
        for span, found in _raw_inputs(program, function):
            place = program.place(found.function.module, found.span)
            key = (place.path, place.line)
            if key in told:
                break
            told.add(key)
            yield view.finding(
                RULE.code,
                RULE.name,
                f"{describe(found, 3)} reaches the model unnormalized; bring it to zero mean and unit variance,"
                " (x - mean) / std, with the training data's statistics",
                view.place(span),
                function.scope,
                [Evidence(place.path, place.line, "the raw values come from here")],
            )
            break


def _raw_inputs(program: Program, function: Function) -> Iterator[tuple[tuple[int, int], Call]]:
    """Raw values that enter a model in a function: where, and their source."""
    for span, target, given in _forwards(program, function):
        found = _raw(program, target, given)
        if found is not None:
            yield span, found
    run = program.run(function)
    if not any(event.kind is EventKind.STEP for event in run.events):
        return
    for call in run.calls:
        # A bare stack of layers, in the function that trains.
        if call.function is function and call.args and isinstance(call.callee, Call):
            origin = scale_of(program, call.args[0])
            if origin.scale is Scale.RAW and origin.source is not None and takes_raw(program, call.callee):
                yield call.span, origin.source


def _trains(view: ModuleView) -> bool:
    return any(any(e.kind is EventKind.STEP for e in view.program.run(function).events) for function in view.functions)


def _forwards(program: Program, function: Function) -> Iterator[tuple[tuple[int, int], FuncVal, dict[str, Value]]]:
    """Calls of models in a function: where, the method that runs, what it is given."""
    run = program.run(function)
    for site in run.sites:
        if site.caller is function and site.target.this is not None and site.target.function.name != "__init__":
            this = unwrapped(program, site.target.this)
            if isinstance(this, Obj) and kinds.kind(program, this) == kinds.MODULE:
                yield site.span, site.target, site.given
    for call in run.calls:
        if call.function is not function or isinstance(call.callee, (FuncVal, Obj)):
            continue
        target = _method(program, call)
        if target is not None:
            names = [p.name for p in target.function.parameters[1:]]
            yield call.span, target, {**dict(zip(names, call.args, strict=False)), **call.keywords}


def _method(program: Program, call: Call) -> FuncVal | None:
    """The method of a model that a call runs, where the model is made by a call or comes out of a choice."""
    callee = call.callee
    if isinstance(callee, Attr):
        for made in _models(program, callee.base):
            found = program.classes.method(made.cls, callee.name)
            return FuncVal(found, None, made) if found is not None else None
        return None
    for made in _models(program, callee):
        return program.entry(made)
    return None


_AVERAGES = frozenset("EMA AveragedModel ModelEMA EMAModel ModelEmaV2 ModelEmaV3".split())


def _averaged(value: Value) -> Value:
    """The model that a moving average of weights is kept of, or the value itself."""
    if isinstance(value, Attr) and value.name in ("ema_model", "module", "ema"):
        value = value.base
    if isinstance(value, Call) and call_name(value) in _AVERAGES and (value.args or "model" in value.keywords):
        return value.args[0] if value.args else value.keywords["model"]
    return value


def _models(program: Program, value: Value) -> list[Obj]:
    found = []
    inside = [_averaged(made) for made in (value, *origins(program, value))]
    for made in inside:
        plain = unwrapped(program, origins(program, made)[0]) if origins(program, made) else made
        if isinstance(plain, Obj) and kinds.kind(program, plain) == kinds.MODULE:
            found.append(plain)
    return found[:1]


def _raw(program: Program, target: FuncVal, given: dict[str, Value]) -> Call | None:
    """The source of an argument that a model's first layer takes raw."""
    for name, value in given.items():
        if value is target.this:
            continue
        origin = scale_of(program, value)
        if origin.scale is Scale.RAW and origin.source is not None and enters_raw(program, target, name) is Scale.RAW:
            return origin.source
    return None


RULE = Rule(
    code="CVG301",
    name="unnormalized-inputs",
    summary="Raw numbers from a file or an environment that reach the trained model with nothing to scale them.",
    seed="NaN on step 1 is almost always a normalization failure ... Normalize all inputs to approximately zero mean"
    " and unit variance before the first layer.",
    why="An input of magnitude 1000 makes the first layer's outputs as large; softmax and sigmoid saturate, gradients"
    " explode, and dimensions with small numbers are ignored. Dividing by a known range, a normalizing wrapper, or a"
    " normalization layer in front of the model all count.",
    example="""\
obs, _ = env.reset()
action = policy(torch.as_tensor(obs))
""",
    fix="""\
env = gym.wrappers.NormalizeObservation(env)
obs, _ = env.reset()
action = policy(torch.as_tensor(obs))
""",
    check=check,
)
