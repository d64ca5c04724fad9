"""What is done to gradients between backward and the update: bounded, scaled, assigned, cleared."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from convdiag_lint.events import EventKind
from convdiag_lint.project.finite import finite_words
from convdiag_lint.project.values import Attr, Call, Const, FuncVal, Item, Op, Ref, Value, call_name, walk

if TYPE_CHECKING:
    from collections.abc import Callable

    from convdiag_lint.project.interpreter import Interpreter
    from convdiag_lint.reading.syntax import Span

CLIPPERS = frozenset(
    "clip_grad_norm_ clip_grad_value_ clip_grad_norm clip_grad_value clip_gradients clip_master_grads"
    " clip_grads_with_norm_ clip_grad_norm_fp32".split()
)
_CLAMPS = frozenset("clamp clamp_ clip clip_ clamp_min clamp_max clip_grad_norm_ clip_grad_value_ clip_by_norm".split())


def _bounded(limit: Value | None) -> bool:
    """Whether a clipping limit bounds anything: not None, infinity or zero written out."""
    if not isinstance(limit, Const):
        if isinstance(limit, Ref):
            return limit.name.rpartition(".")[2] != "inf"
        if isinstance(limit, Call) and limit.args and isinstance(limit.args[0], Const):
            return str(limit.args[0].value).lower() not in ("inf", "infinity", "+inf")
        return True
    value = limit.value
    if value is None or isinstance(value, bool):
        return value is True
    return not (isinstance(value, (int, float)) and (math.isinf(value) or value <= 0))


def _clip_function(interp: Interpreter, call: Call, callee: Ref) -> None:
    limit = call.keywords.get("max_norm") or call.keywords.get("clip_value") or call.argument(1, "max_norm")
    strict = call.keywords.get("error_if_nonfinite")
    if isinstance(strict, Const) and strict.value is True:
        interp.emit(EventKind.CHECK_FINITE, call.span, call, ended="raise")
    if limit is not None and not _bounded(limit):
        return
    interp.emit(EventKind.CLIP, call.span, call.argument(0, "parameters"), library=False, hook=False, call=call)


def _clip_method(interp: Interpreter, call: Call, base: Value) -> bool:
    if isinstance(base, Op):
        return False
    values = [v for k, v in call.keywords.items() if k in ("max_norm", "clip_val", "clip_value", "gradient_clip_val")]
    limit = values[0] if values else (call.args[-1] if call.args else None)
    name = call.callee.name if isinstance(call.callee, Attr) else ""
    if name == "clip_gradients" and "max_norm" in call.keywords:
        strict = call.keywords.get("error_if_nonfinite")
        if not (isinstance(strict, Const) and strict.value is False):
            interp.emit(EventKind.CHECK_FINITE, call.span, call, ended="raise")
    if isinstance(limit, Const) and not _bounded(limit):
        return True
    interp.emit(EventKind.CLIP, call.span, call.argument(0, "parameters"), library=True, hook=False, call=call)
    return True


def _of_gradient(value: Value) -> bool:
    """Whether a value is a gradient or part of one."""
    while isinstance(value, (Attr, Item)):
        if isinstance(value, Attr) and value.name in ("grad", "main_grad"):
            return True
        value = value.base
    return isinstance(value, Call) and isinstance(value.callee, Attr) and _of_gradient(value.callee.base)


def _from_norm(value: Value) -> bool:
    """Whether a factor was worked out from a norm or from gradients: scaling by it bounds them."""
    for part in walk(value, 300):
        if "norm" in part.hint.lower() or "clip" in part.hint.lower():
            return True
        if isinstance(part, (Attr, Ref)) and ("norm" in part.name or part.name == "grad"):
            return True
    return False


def _clamp_method(interp: Interpreter, call: Call, base: Value) -> bool:
    if _of_gradient(base):
        interp.emit(EventKind.CLIP, call.span, base, library=False, hook=False, call=call)
    return True


def _scale_method(interp: Interpreter, call: Call, base: Value) -> bool:
    if _of_gradient(base) and call.args and _from_norm(call.args[0]):
        interp.emit(EventKind.CLIP, call.span, base, library=False, hook=False, call=call)
    return True


def _copy_method(interp: Interpreter, call: Call, base: Value) -> bool:
    if _of_gradient(base) and call.args:
        assigned(interp, base.base if isinstance(base, Attr) else base, call.args[0])
    return True


def _zero_method(interp: Interpreter, call: Call, base: Value) -> bool:
    if _of_gradient(base):
        interp.emit(EventKind.CLEAR, call.span, base)
    return True


def _foreach_scale(interp: Interpreter, call: Call, callee: Ref) -> None:
    if len(call.args) > 1 and _from_norm(call.args[1]):
        interp.emit(EventKind.CLIP, call.span, call.args[0], library=False, hook=False, call=call)


def assigned(interp: Interpreter, base: Value, value: Value) -> None:
    """`p.grad = value`: cleared, clamped or scaled."""
    span = interp.env.function.span
    last = call_name(value)
    if (isinstance(value, Const) and value.value is None) or last in ("zeros_like", "zeros"):
        interp.emit(EventKind.CLEAR, span, base)
    elif (
        last in _CLAMPS
        or last in ("where", "minimum")
        or (isinstance(value, Op) and value.op in ("*", "/") and _from_norm(value))
    ):
        interp.emit(EventKind.CLIP, span, base, library=False, hook=False, call=value)


def updated_in_place(interp: Interpreter, before: Value, op: str, value: Value, span: Span) -> None:
    """`p.grad *= factor`."""
    if op in ("*", "/") and _of_gradient(before) and _from_norm(value):
        interp.emit(EventKind.CLIP, span, before, library=False, hook=False, call=value)


def _hook(interp: Interpreter, call: Call, base: Value) -> bool:
    for value in call.args:
        code = interp.program.force(value)
        words = code.function.words if isinstance(code, FuncVal) else set()
        if not _CLAMPS.isdisjoint(words) or (call_name(code) or "") in CLIPPERS:
            interp.emit(EventKind.CLIP, call.span, base, library=False, hook=True, call=call)
        if finite_words(words):
            interp.emit(EventKind.CHECK_FINITE, call.span, call, ended="raise")
        if words & {"zero_grad", "set_to_none"} or "None" in words:
            interp.emit(EventKind.CLEAR, call.span, base)
    return True


METHODS: dict[str, Callable[[Interpreter, Call, Value], bool]] = {
    "register_hook": _hook,
    "register_post_accumulate_grad_hook": _hook,
    "register_step_pre_hook": _hook,
    "clamp_": _clamp_method,
    "clip_": _clamp_method,
    "mul_": _scale_method,
    "div_": _scale_method,
    "copy_": _copy_method,
    "zero_": _zero_method,
    **dict.fromkeys(CLIPPERS, _clip_method),
}
FUNCTIONS: dict[str, Callable[[Interpreter, Call, Ref], None]] = {
    "_foreach_mul_": _foreach_scale,
    "_foreach_div_": _foreach_scale,
    **dict.fromkeys(CLIPPERS, _clip_function),
}
