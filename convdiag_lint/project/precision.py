"""Half precision: which autocasts and casts a loss was computed under, and what scales its gradients."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from convdiag_lint.project import kinds
from convdiag_lint.project.asking import SAME_TENSOR
from convdiag_lint.project.origins import origins, parameter_owners
from convdiag_lint.project.steps import without_gradients
from convdiag_lint.project.unwrapping import SAME, TRANSPARENT, unwrapped
from convdiag_lint.project.values import (
    Attr,
    Call,
    Choice,
    Const,
    FuncVal,
    Imported,
    Obj,
    Op,
    Param,
    Ref,
    Setting,
    Value,
    call_name,
    describe,
    walk,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convdiag_lint.events import Event
    from convdiag_lint.project.program import Program
    from convdiag_lint.project.steps import Context

_HALVES = ("float16", "half", "fp16", "16")
_DEVICE_TESTS = ("is_available", "device", "cuda", "is_cuda", "type")
_CAPABILITY = ("is_bf16_supported", "get_device_capability", "check_amp")


@dataclass(frozen=True, slots=True, eq=False)
class Half:
    """One place where training is put into float16."""

    call: Call
    what: str
    fixed: bool
    """Whether no switch, variable or capability test chooses it."""
    sure: bool
    """Whether it is surely float16 when it runs on a GPU."""


def halves(program: Program, context: Context) -> list[Half]:
    """Where the forward of an update is put into float16."""
    found: dict[int, Half] = {}
    loss = context.backward.subject
    if not isinstance(loss, Value):
        return []
    calls = [p for p in walk(loss, 1500) if isinstance(p, Call) and not without_gradients(p.around)]
    arounds = {id(c): c for call in calls for c in call.around}
    for call in calls:
        for inner in _inside(program, call):
            arounds.update({id(c): c for c in inner})
    arounds.update({id(c): c for c in _around(context.backward)})
    for around in arounds.values():
        for half in _autocast(program, around, context):
            found.setdefault(half.call.span[0], half)
    for half in _cast_models(program, context, calls):
        found.setdefault(half.call.span[0], half)
    return list(found.values())


def _around(event: Event) -> Iterator[Value]:
    return (context for context in event.attributes["around"] if isinstance(context, Value))


def _inside(program: Program, call: Call) -> Iterator[tuple[Value, ...]]:
    """Contexts inside the project code that a call runs, where that code mentions autocast."""
    callee = call.callee
    if isinstance(callee, Imported):
        if b"autocast" not in program.files.read(callee.path):
            return
        callee = program.force(callee)
    target = callee if isinstance(callee, FuncVal) else program.entry(callee)
    if target is None or not _mentions(target, "autocast"):
        return
    for inner in program.run(target.function).calls:
        yield inner.around


def _mentions(target: FuncVal, word: str) -> bool:
    if word in target.function.words:
        return True
    return any(word in describe_decorator(d) for d in target.function.decorators)


def describe_decorator(expr: object) -> str:
    """Names in a decorator expression, as text."""
    inner = getattr(expr, "func", expr)
    return f"{getattr(inner, 'id', '')} {getattr(inner, 'name', '')}"


def _autocast(program: Program, value: Value, context: Context) -> Iterator[Half]:
    if isinstance(value, Choice):
        # One of two contexts: what the test chooses is a switch, unless it asks for the device.
        for option in (value.then, value.other):
            for half in _autocast(program, option, context):
                yield Half(half.call, half.what, half.fixed and _device_only(value.test), half.sure)
        return
    if isinstance(value, Call) and isinstance(value.callee, (FuncVal, Imported)):
        opened = program.expand(value)
        if opened is not value:
            yield from _autocast(program, opened, context)
        return
    if not isinstance(value, Call):
        return
    callee = value.callee
    if isinstance(callee, Call) and call_name(callee) == "partial" and callee.args:
        value = Call(
            callee.args[0],
            (*callee.args[1:], *value.args),
            {**callee.keywords, **value.keywords},
            value.function,
            value.span,
        )
        callee = value.callee
    if not isinstance(callee, Ref) or callee.name.rpartition(".")[2] != "autocast":
        return
    # torch.cuda.amp.autocast, and the wrappers of other packages, take `enabled` first.
    old = ".cuda." in callee.name or not callee.name.startswith("torch.")
    enabled = value.argument(0 if old else 2, "enabled")
    dtype = value.argument(1, "dtype")
    if ".cpu." in callee.name or _is_false(enabled):
        return
    state = _dtype(dtype)
    if state == "other":
        return
    if dtype is None and not old:
        device = value.argument(0, "device_type")
        if isinstance(device, Const) and str(device.value).startswith("cpu"):
            return
        certain = isinstance(device, Const)
    else:
        certain = True
    on = enabled is None or _is_true(enabled)
    fixed = (on or _device_only(enabled)) and state in ("half", "default")
    if _guarded(context, value):
        fixed = False
    likely = on or _on_by_default(enabled) or _device_only(enabled)
    yield Half(value, "autocast to float16", fixed, certain and likely and state in ("half", "default"))


def _on_by_default(value: Value | None) -> bool:
    """Whether a switch is on unless the user turns it off."""
    return isinstance(value, (Param, Setting)) and _is_true(value.default)


def _is_true(value: Value | None) -> bool:
    return isinstance(value, Const) and value.value is True


def _is_false(value: Value | None) -> bool:
    return isinstance(value, Const) and value.value in (False, None)


def _dtype(value: Value | None) -> str:
    """`half`, `default`, `other` for what is surely not float16, or `variable`."""
    if value is None or (isinstance(value, Const) and value.value is None):
        return "default"
    if isinstance(value, Ref):
        return "half" if value.name.rpartition(".")[2] in _HALVES else "other"
    return "variable"


def _device_only(test: Value | None) -> bool:
    """Whether a condition asks only what device there is: that cannot be switched."""
    if test is None or isinstance(test, Const):
        return test is not None
    text = describe(test)
    if any(word in text for word in _CAPABILITY):
        return False
    for part in walk(test, 40):
        if isinstance(part, Ref) and part.name.rpartition(".")[2] == "is_available":
            return True
        if isinstance(part, Const) and str(part.value).partition(":")[0] in ("cuda", "cpu", "mps"):
            return True
    return False


_SWITCH = re.compile(r"amp|fp16|half|precision|dtype|mixed|autocast|16|scaler|cast", re.IGNORECASE)


def _guarded(context: Context, call: Call) -> bool:
    """Whether a call stands under a condition of its own that chooses the precision."""
    tests = context.run.tests
    shared = {g.condition for g in (*context.step.guards, *context.backward.guards)}
    own = [tests[g.condition] for g in call.guards if g.condition in tests and g.condition not in shared]
    return any(_SWITCH.search(describe(test)) and not _device_only(test) for test in own)


def _cast_models(program: Program, context: Context, calls: list[Call]) -> Iterator[Half]:
    """Casts to float16 of the model that the optimizer trains."""
    if isinstance(context.step.subject, Value):
        trained = []
        for made in origins(program, context.step.subject):
            if isinstance(made, Call):
                trained += parameter_owners(program, made.argument(0, "params")) or []
        models = {id(m) for m in trained}
        for call in calls:
            if isinstance(call.callee, (Obj, Call, Choice, Param)):
                models.add(id(call.callee))
                models.add(id(unwrapped(program, call.callee)))
        chains = [call for call in calls if _casts(call)]
        for cast in chains:
            used_as_model = any(_is_under(cast, other.callee) for other in calls)
            if used_as_model and not _undone([*calls, *context.run.calls], cast):
                yield _half_cast(context, cast)
        for cast in context.run.calls:
            if _casts(cast) and isinstance(cast.callee, Attr) and cast not in chains:
                base = unwrapped(program, cast.callee.base)
                if (id(base) in models or id(cast.callee.base) in models) and not _undone(context.run.calls, cast):
                    yield _half_cast(context, cast)


def _half_cast(context: Context, cast: Call) -> Half:
    fixed = not _guarded(context, cast)
    return Half(cast, "the model is cast to float16", fixed, fixed)


def _is_under(cast: Call, callee: Value) -> bool:
    """Whether what is called is the cast thing itself, moved or wrapped at most, or a method of it."""
    if isinstance(callee, Attr) and (callee.name in SAME_TENSOR or callee.name in SAME):
        return False
    for _ in range(8):
        if callee is cast:
            return True
        if isinstance(callee, Attr):
            callee = callee.base
        elif isinstance(callee, Call) and isinstance(callee.callee, Attr) and callee.callee.name in SAME:
            callee = callee.callee.base
        elif isinstance(callee, Call) and call_name(callee) in TRANSPARENT and callee.args:
            callee = callee.args[0]
        else:
            return False
    return False


def _casts(call: Call) -> bool:
    callee = call.callee
    if not isinstance(callee, Attr):
        return False
    if callee.name == "half" and not call.args:
        return True
    if callee.name in ("to", "type"):
        values = [*call.args, *call.keywords.values()]
        return any(isinstance(v, Ref) and v.name in ("torch.float16", "torch.half") for v in values)
    return False


def _undone(calls: list[Call], cast: Call) -> bool:
    """`.half().float()` and the like, also of a model that is one of several."""
    return any(
        isinstance(c.callee, Attr) and c.callee.name in ("float", "cpu", "state_dict") and _holds(c.callee.base, cast)
        for c in calls
    )


def _holds(value: Value, cast: Call) -> bool:
    """Whether a value is a cast, or a choice of which it is one."""
    if isinstance(value, Choice):
        return _holds(value.then, cast) or _holds(value.other, cast)
    return value is cast


def _scales(product: Op) -> bool:
    """Whether a product is a loss scaled by hand: by name, or by a constant far above any weight."""
    if "scal" in product.hint.lower() or any("scal" in describe(o, 3).lower() for o in product.operands):
        return True
    return any(isinstance(o, Const) and isinstance(o.value, (int, float)) and o.value >= 64 for o in product.operands)


def scaled(program: Program, context: Context) -> bool:
    """Whether something scales the loss, so that small float16 gradients do not become zero."""
    scaler = context.step.attributes["scaler"]
    if isinstance(scaler, Value):
        return True
    wrapper = context.backward.attributes["wrapper"]
    if isinstance(wrapper, Value) and kinds.kind(program, wrapper) != kinds.MODULE:
        return True
    if context.step.attributes["engine"]:
        return True
    loss = context.backward.subject
    assert isinstance(loss, Value)
    for part in walk(loss, 12):
        name = (call_name(part) or "").lower()
        if name in ("scale", "scale_loss") or "scale_loss" in name:
            return True
        if isinstance(part, Op) and part.op == "*" and _scales(part):
            return True
    for around in _around(context.backward):
        if "scale_loss" in (call_name(around) or ""):
            return True
    subject = context.step.subject
    if isinstance(subject, Value):
        for made in origins(program, subject):
            if "fp16" in describe(made, 3).lower() or "amp" in (call_name(made) or "").lower().split("_"):
                return True
    return False
