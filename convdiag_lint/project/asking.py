"""Questions about one update that several rules ask: same optimizer, opaque calls, related values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from convdiag_lint.events import Event, EventKind
from convdiag_lint.project import kinds
from convdiag_lint.project.origins import origins
from convdiag_lint.project.steps import Context, core
from convdiag_lint.project.values import (
    Attr,
    Call,
    Const,
    Elem,
    FuncVal,
    Item,
    Map,
    Obj,
    Param,
    Ref,
    Seq,
    Setting,
    Value,
    describe,
    walk,
)

if TYPE_CHECKING:
    from convdiag_lint.events import Place
    from convdiag_lint.project.program import Program
    from convdiag_lint.project.run import Run
    from convdiag_lint.reading.syntax import Function


def between(run: Run, first: Event, last: Event) -> list[Event]:
    """Events after `first` and before `last` that can happen with both."""
    start, end = run.events.index(first), run.events.index(last)
    if start > end:
        # Backward at the end of a loop's body, the update at the top of the next round.
        chosen = run.events[start + 1 :] + run.events[:end]
    else:
        chosen = run.events[start + 1 : end]
    return [e for e in chosen if e.can_meet(last) and e.can_meet(first)]


def gathering(context: Context) -> list[Event]:
    """Events since the first backward whose gradients the update uses."""
    run, step = context.run, context.step
    first = context.backward
    position = run.events.index(step)
    for event in reversed(run.events[: run.events.index(first)] if run.events.index(first) < position else []):
        if event.kind in (EventKind.STEP, EventKind.CLEAR) and event.can_meet(step):
            break
        if event.kind is EventKind.BACKWARD and event.can_meet(step):
            first = event
    return between(run, first, step)


def same_thing(first: object, second: object) -> bool:
    """Whether two values are the same object, or are written the same way."""
    if first is second:
        return True
    return isinstance(first, Value) and isinstance(second, Value) and describe(first, 8) == describe(second, 8)


_SCALAR = re.compile(
    r"(?:^|[_'\"\[.])(?:log_?)?(?:alpha|temperature|temp|entropy|ent_coef|lagrang\w*|lambda)(?:[_'\"\]]|$)",
    re.IGNORECASE,
)


def is_scalar_optimizer(program: Program, optimizer: object) -> bool:
    """Whether an optimizer updates one number, like a temperature."""
    made = [o for o in origins(program, optimizer) if isinstance(o, Call)] if isinstance(optimizer, Value) else []
    if isinstance(optimizer, Value) and _SCALAR.search(describe(optimizer) if not optimizer.hint else optimizer.hint):
        return True
    if not made:
        return False
    for call in made:
        params = call.argument(0, "params")
        if params is not None and _one_number(program, params):
            continue
        if not (isinstance(params, Seq) and params.kind in ("list", "tuple") and len(params.items) == 1):
            return False
        only = params.items[0]
        text = (only.hint or describe(only)).lower()
        if not any(
            word in text for word in ("alpha", "temp", "ent_coef", "entropy", "log_", "lagrang", "lambda", "scalar")
        ):
            return False
    return True


def _one_number(program: Program, value: Value, depth: int = 8) -> bool:
    """Whether parameters are a single number, by how they were made: `nn.Parameter(torch.zeros(1))`."""
    if depth <= 0:
        return False
    deeper = depth - 1
    if isinstance(value, Seq):
        return len(value.items) == 1 and value.kind != "each" and _one_number(program, value.items[0], deeper)
    if isinstance(value, Call):
        callee = value.callee
        name = getattr(callee, "name", "").rpartition(".")[2]
        if isinstance(callee, Attr) and name in ("parameters", "requires_grad_", "to", "float", "double", "cuda"):
            return _one_number(program, callee.base, deeper)
        if isinstance(callee, FuncVal) and callee.function.name == "parameters" and callee.this is not None:
            return _one_number(program, callee.this, deeper)
        if isinstance(callee, Ref) and name in ("Parameter", "Variable"):
            return bool(value.args) and _one_number(program, value.args[0], deeper)
        if isinstance(callee, Ref) and name in ("zeros", "ones", "rand", "randn", "empty"):
            return bool(value.args) and all(_size_of_one(size) for size in value.args)
        if isinstance(callee, Ref) and name in ("tensor", "as_tensor", "FloatTensor"):
            return bool(value.args) and _is_number(value.args[0])
    if isinstance(value, Obj):
        # A module that holds nothing but what it was given.
        return value.made and len(value.args) == 1 and _one_number(program, value.args[0], deeper)
    found = [origin for origin in origins(program, value) if origin is not value]
    return bool(found) and all(_one_number(program, origin, deeper) for origin in found)


def _size_of_one(size: Value) -> bool:
    if isinstance(size, Seq):
        return all(_size_of_one(item) for item in size.items) and size.kind != "each"
    return isinstance(size, Const) and size.value == 1


def _is_number(value: Value) -> bool:
    if isinstance(value, Seq):
        return len(value.items) == 1 and _is_number(value.items[0])
    return isinstance(value, Const) and isinstance(value.value, (int, float))


def opaque_for(program: Program, events: list[Event], context: Context) -> Event | None:
    """The first opaque call among events that is handed the optimizer, parameters, model or loss."""
    loss = core(context.backward.subject)
    for event in events:
        if event.kind is EventKind.OPAQUE and _receives(program, event, context.step.subject, loss):
            return event
    return None


def opaque_for_loss(context: Context) -> Event | None:
    """The first opaque call before the update that is handed the loss itself."""
    loss = [context.backward.subject, *core(context.backward.subject)]
    run = context.run
    for event in run.events[: run.events.index(context.step)]:
        if event.kind is not EventKind.OPAQUE or not event.can_meet(context.step):
            continue
        call = event.subject
        assert isinstance(call, Call)
        if any(value is part for value in (*call.args, *call.keywords.values()) for part in loss):
            return event
    return None


def edited(program: Program, scope: Function, context: Context) -> Place:
    """The line that the user would edit: the update, or the scope's call of the helper that updates."""
    step = context.step
    for frame, below in zip(step.frames, (*step.frames[1:], None), strict=True):
        if frame.function is scope and below is not None:
            for site in context.run.sites:
                if site.call == below.call:
                    return program.place(scope.module, site.span)
    return step.place


def _receives(program: Program, event: Event, optimizer: object, loss: list[Value]) -> bool:
    call = event.subject
    assert isinstance(call, Call)
    given: list[Value] = [*call.args, *call.keywords.values()]
    if isinstance(call.callee, Attr):
        base = call.callee.base
        if same_thing(base, optimizer):
            return True
        if isinstance(base, Obj) and any(w in call.callee.name for w in ("clip", "grad", "optim")):
            return True
    for value in given:
        if value is optimizer or any(value is part for part in loss):
            return True
        if kinds.kind(program, value) in (kinds.OPTIMIZER, kinds.ENGINE, kinds.MODULE):
            return True
        for part in walk(value, 30):
            if isinstance(part, Attr) and part.name in ("parameters", "grad", "param_groups", "named_parameters"):
                return True
    return False


SAME_TENSOR = frozenset("to cuda cpu float half double view reshape squeeze unsqueeze flatten detach any all".split())
_GRADIENT_WORDS = ("grad", "norm")


def about_training(program: Program, subject: object, context: Context) -> bool:
    """Whether a tested value is the loss, a part of it, or the gradients or their norm."""
    if subject is None:
        return True
    assert isinstance(subject, Value)
    loss = context.backward.subject
    assert isinstance(loss, Value)
    hint = (subject.hint or "").lower()
    if _is_anothers(subject, context):
        return False
    if "loss" in hint or any(word in hint for word in _GRADIENT_WORDS):
        return True
    mine = list(walk(subject, 400))
    for part in mine:
        if isinstance(part, Attr) and part.name in ("grad", "main_grad"):
            return True
        if isinstance(part, Call) and isinstance(part.callee, (Ref, Attr)):
            name = part.callee.name
            if "grad_norm" in name or "clip_grad" in name or "total_norm" in name:
                return True
        if "loss" in part.hint.lower():
            return True
    parts = {id(part) for part in core(loss)}
    if any(id(part) in parts for part in mine):
        return True
    below = {id(part) for part in walk(loss, 60)}
    return id(subject) in below and not _is_input(subject)


def _is_anothers(subject: Value, context: Context) -> bool:
    """Whether a tested value is the loss of another backward of this run, and not of this one."""
    loss = context.backward.subject
    assert isinstance(loss, Value)
    mine = {id(part) for part in walk(loss, 60)}
    tested = {id(part) for part in walk(subject, 12)}
    if mine & {id(part) for part in walk(subject, 1)}:
        return False
    for event in context.run.events:
        if event.kind is EventKind.BACKWARD and event.subject is not context.backward.subject:
            theirs = {id(part) for part in core(event.subject)}
            if theirs & tested and not theirs & {id(part) for part in core(context.backward.subject)}:
                return True
    return False


def _is_input(value: Value) -> bool:
    """Whether a value is what was fetched or handed in, moved and reshaped at most."""
    for _ in range(8):
        if isinstance(value, (Item, Attr)):
            value = value.base
        elif isinstance(value, Call) and isinstance(value.callee, Attr) and value.callee.name in SAME_TENSOR:
            value = value.callee.base
    return isinstance(value, (Param, Setting, Elem)) and "loss" not in value.hint


def config_of(call: Call, word: str) -> tuple[bool, bool]:
    """Whether a call's arguments hold a dict with a key, and whether they hold one at all."""
    held = readable = False
    for value in (*call.args, *call.keywords.values()):
        for part in walk(value, 200):
            if isinstance(part, Map):
                readable = True
                held = held or any(isinstance(k, Const) and k.value == word for k, _ in part.items)
    return held, readable
