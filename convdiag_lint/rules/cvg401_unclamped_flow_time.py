"""CVG401: a flow-matching time drawn up to both ends of [0, 1]."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convdiag_lint.events import EventKind, Evidence
from convdiag_lint.project.flow import Interpolation, flows
from convdiag_lint.project.graph import through
from convdiag_lint.project.ranges import interval
from convdiag_lint.project.steps import without_gradients
from convdiag_lint.project.values import Call, Value, call_name, describe, walk
from convdiag_lint.reading import gate
from convdiag_lint.rules.base import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convdiag_lint.events import Finding
    from convdiag_lint.project.program import Program
    from convdiag_lint.project.view import ModuleView
    from convdiag_lint.reading.syntax import Function

_DRAWS = frozenset(
    "rand rand_like uniform uniform_ beta betavariate random random_sample randint randint_like integers randrange"
    " randperm sample rsample clamp clip clamp_ clip_".split()
)


def check(view: ModuleView) -> Iterator[Finding]:
    """Yield one finding for each function that draws a time up to both ends."""
    for function in view.functions:
        if _DRAWS.isdisjoint(function.words):
            continue
        if not any(_may_draw(call, function) for call in view.program.run(function).calls):
            continue
        finding = _judge(view, function)
        if finding is not None:
            yield finding


def _may_draw(call: Call, function: Function) -> bool:
    return call.function is function and call_name(call) in _DRAWS


def _judge(view: ModuleView, function: Function) -> Finding | None:
    program = view.program
    partial: Finding | None = None
    for root in _roots(program, function):
        for flow in _flows(program, root):
            for draw in flow.draws:
                if draw.function is not function:
                    continue
                bounds = interval(program, flow.weight)
                if bounds is None or not _trains(program, root, flow, draw):
                    continue
                low, high = bounds[0] <= 0.0, bounds[1] >= 1.0
                if low and high:
                    return _finding(view, function, root, flow, draw, unsure=False)
                # The weight is of the end: at 0 the interpolant is the start, at 1 the end.
                if (low and _is_noise(program, flow.start)) or (high and _is_noise(program, flow.end)):
                    partial = partial or _finding(view, function, root, flow, draw, unsure=True)
    return partial


def _trains(program: Program, root: Function, flow: Interpolation, draw: Call) -> bool:
    """Whether gradients flow from what a draw is for: a sampler of times may well be under `no_grad` itself."""
    shut = sum(without_gradients([context]) for context in draw.around)
    if draw.function is not root:
        shut -= sum(_ends_gradients(decorator) for decorator in draw.function.decorators)
    if shut <= 0:
        return True
    return any(
        event.kind is EventKind.BACKWARD and any(part is flow.value for part in walk(event.subject, 400))
        for event in program.run(root).events
        if isinstance(event.subject, Value)
    )


def _ends_gradients(decorator: object) -> bool:
    named = getattr(decorator, "func", decorator)
    return getattr(named, "name", getattr(named, "id", "")) in ("no_grad", "inference_mode")


def _is_noise(program: Program, value: Value) -> bool:
    value = through(program, value)
    text = (value.hint or describe(value)).lower()
    return "randn" in describe(value) or "noise" in text or "eps" in text


def _finding(
    view: ModuleView, function: Function, root: Function, flow: Interpolation, draw: Call, unsure: bool
) -> Finding:
    where = view.program.place(root.module, root.span)
    message = (
        "the flow-matching time is drawn from all of [0, 1], ends included, where the velocity target is extreme;"
        " keep it inside, as in t = t * (1 - 2e-3) + 1e-3"
    )
    if unsure:
        message = "the flow-matching time keeps only the data end out; at the noise end the velocity target is extreme"
    return view.finding(
        RULE.code,
        RULE.name,
        message,
        view.place(draw.span),
        function.scope,
        [
            Evidence(
                where.path,
                where.line,
                f"interpolates {describe(flow.start, 2)} and {describe(flow.end, 2)} in {root.scope}",
            ),
        ],
        unsure,
    )


def _flows(program: Program, root: Function) -> list[Interpolation]:
    known: dict[int, list[Interpolation]] = program.facts.setdefault("flows", {})
    if id(root) not in known:
        known[id(root)] = flows(program, program.run(root))
    return known[id(root)]


def _roots(program: Program, function: Function) -> list[Function]:
    """The function and what calls it: the time may be handed up, the loss stand above."""
    found = [function]
    depth = {id(function): 0}
    for root in found:
        if depth[id(root)] >= 3 or len(found) > 10:
            break
        for site in program.callers.of(root):
            if id(site.caller) not in depth:
                depth[id(site.caller)] = depth[id(root)] + 1
                found.append(site.caller)
    return found


RULE = Rule(
    code="CVG401",
    name="unclamped-flow-time",
    summary="A flow-matching time drawn up to both ends of [0, 1].",
    seed="Check that the time variable t is being sampled from [0, 1] with appropriate clamping — a t very close to 0"
    " causes the velocity target to be evaluated at nearly pure noise, which can produce extreme gradient magnitudes.",
    why="At the noise end the network is asked for a velocity that its input does not determine; the gradients there"
    " are the largest and carry the least (pi0, arXiv:2410.24164, draws t from a shifted Beta for this"
    " reason). A clamp, an"
    " affine map into a smaller interval, or a logit-normal draw keeps the ends out.",
    example="""\
t = torch.rand(batch, 1)
x_t = (1 - t) * noise + t * action
loss = F.mse_loss(model(x_t, t), action - noise)
""",
    fix="""\
t = torch.rand(batch, 1).clamp(1e-3, 1 - 1e-3)
x_t = (1 - t) * noise + t * action
loss = F.mse_loss(model(x_t, t), action - noise)
""",
    check=check,
    concerns=gate.draws_time,
)
