"""What calls of libraries do to a training step: the linter's model of torch and its friends."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from convdiag_lint.events import EventKind
from convdiag_lint.project import kinds
from convdiag_lint.project.values import (
    Attr,
    Call,
    Choice,
    Const,
    FuncVal,
    Imported,
    Item,
    Obj,
    Op,
    Ref,
    Seq,
    Value,
    call_name,
    describe,
    walk,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from convdiag_lint.project.interpreter import Interpreter
    from convdiag_lint.reading.syntax import Span

CLIPPERS = frozenset(
    "clip_grad_norm_ clip_grad_value_ clip_grad_norm clip_grad_value clip_gradients clip_master_grads"
    " clip_grads_with_norm_ clip_grad_norm_fp32".split()
)
_FINITE = frozenset("isnan isinf isfinite is_nan is_inf isneginf isposinf".split())
_THROUGH = frozenset(
    "any all bool item sum float tolist max count_nonzero cpu detach mean not_ logical_not logical_or".split()
)
_EXITS = frozenset(("sys.exit", "exit", "quit", "os._exit", "os.abort"))
_CLAMPS = frozenset("clamp clamp_ clip clip_ clamp_min clamp_max clip_grad_norm_ clip_grad_value_ clip_by_norm".split())
KNOWN_PACKAGES = frozenset(
    "torch numpy np math random time os sys logging wandb tqdm matplotlib plt tensorboard tensorboardX mlflow json"
    " pickle pathlib collections itertools functools copy warnings gc torchvision torchaudio einops scipy sklearn"
    " pandas PIL cv2 gym gymnasium transformers accelerate lightning pytorch_lightning lightning_fabric deepspeed"
    " apex timm datasets diffusers peft hydra omegaconf rich colorama yaml re datetime argparse dataclasses typing"
    " neptune comet_ml clearml swanlab visdom imageio h5py zarr jax tensorflow tree einx beartype jaxtyping ema_pytorch"
    " torchmetrics evaluate nltk draccus tyro fire click absl contextlib subprocess shutil string termcolor".split()
)
_BUILTIN = frozenset(
    "print len float int str range enumerate zip sum min max abs round list tuple dict set sorted map filter isinstance"
    " hasattr getattr setattr type repr format open iter next any all id vars super reversed bool callable".split()
)
BENIGN = frozenset(
    "append extend update add log log_dict log_metrics log_metric log_scalar add_scalar add_scalars scalar_summary info"
    " debug warning error critical write print set_postfix set_postfix_str set_description record logkv logkv_mean"
    " record_mean put item detach cpu numpy to tolist mean sum float clone size view gather reduce all_reduce"
    " gather_for_metrics state_dict parameters named_parameters train eval keys items values get pop format join save"
    " save_pretrained add_histogram add_image report meter accumulate push insert set setdefault add_text flush"
    " named_modules modules children type dim double half cuda numel max min abs pow sqrt exp square norm unsqueeze"
    " squeeze reshape expand repeat backward step zero_grad zero_ copy_ fill_ mul_ add_ div_ scale join remove count"
    " watch close start stop synchronize barrier commit add_figure dump set_train apply load_state_dict prepare"
    " unwrap_model requires_grad_ split unbind chunk store emit notify tick average log_loss add_loss".split()
)


def called(interp: Interpreter, call: Call) -> None:
    """Note what an unread call does."""
    if interp.silent:
        return
    callee = call.callee
    if isinstance(callee, Attr):
        handler = _METHODS.get(callee.name)
        if handler is not None and handler(interp, call, callee.base):
            return
        if callee.name not in BENIGN and not isinstance(callee.base, (Const, Seq)):
            # What accelerate and fabric do to a step is known: all that matters is above.
            if kinds.kind(interp.program, callee.base) != kinds.ACCELERATOR:
                _opaque(interp, call)
    elif isinstance(callee, Ref):
        last = callee.name.rpartition(".")[2]
        act = _FUNCTIONS.get(last)
        if act is not None:
            act(interp, call, callee)
            return
        root = callee.name.partition(".")[0]
        if root not in KNOWN_PACKAGES and callee.name not in _BUILTIN:
            _opaque(interp, call)
    elif isinstance(callee, Imported):
        return
    elif not isinstance(callee, (FuncVal, Obj)):
        _opaque(interp, call)


def _opaque(interp: Interpreter, call: Call) -> None:
    if any(not isinstance(value, Const) for value in (*call.args, *call.keywords.values())):
        interp.emit(EventKind.OPAQUE, call.span, call)


def constructed(interp: Interpreter, made: Obj, span: Span) -> None:
    """Note what making an object does: nothing yet that a rule asks for."""


# Backward, step, clear ---------------------------------------------------------------------------


def _backward(interp: Interpreter, call: Call, base: Value) -> bool:
    loss, wrapper = base, None
    if call.args:
        part = kinds.kind(interp.program, base)
        given = describe(call.args[0]).lower()
        if (
            part in (kinds.ACCELERATOR, kinds.ENGINE, kinds.OPTIMIZER, kinds.SCALER)
            or isinstance(base, Obj)
            or ("loss" in given and "loss" not in (base.hint or describe(base)).lower())
        ):
            loss, wrapper = call.args[0], base
    interp.emit(EventKind.BACKWARD, call.span, loss, wrapper=wrapper)
    return True


def _manual_backward(interp: Interpreter, call: Call, base: Value) -> bool:
    if call.args:
        interp.emit(EventKind.BACKWARD, call.span, call.args[0], wrapper=base)
    return True


def _autograd_backward(interp: Interpreter, call: Call, callee: Ref) -> None:
    if "autograd" in callee.name and call.args:
        # torch.distributed keeps gradients in a context of each pass: they never pile up.
        apart = "distributed" in callee.name
        loss = call.args[1] if apart and len(call.args) > 1 else call.args[0]
        interp.emit(EventKind.BACKWARD, call.span, loss, wrapper=None, apart=apart)


def _step(interp: Interpreter, call: Call, base: Value) -> bool:
    program = interp.program
    part = kinds.kind(program, base)
    if part == kinds.SCALER and call.args:
        _take_step(interp, call, call.args[0], scaler=base)
    elif part == kinds.ACCELERATOR and call.args:
        _take_step(interp, call, call.args[0], scaler=None)
    elif part in (kinds.OPTIMIZER, kinds.ENGINE):
        _take_step(interp, call, base, scaler=None)
    elif part is None and not call.args and not call.keywords:
        # Nothing tells what it is: an optimizer if its gradients are cleared here, too.
        cleared = any(
            event.kind is EventKind.CLEAR and describe(event.subject) == describe(base) for event in interp.run.events
        )
        if cleared:
            _take_step(interp, call, base, scaler=None)
    return True


def _take_step(interp: Interpreter, call: Call, optimizer: Value, scaler: Value | None) -> None:
    from convdiag_lint.project import calling

    closure = call.argument(0, "closure") if scaler is None else None
    if isinstance(closure, Imported):
        closure = interp.program.force(closure)
    if isinstance(closure, FuncVal):
        interp.push_loop()
        number = interp.number()
        calling.inline(interp, closure, {}, number)
        interp.pop_loop()
    engine = kinds.kind(interp.program, optimizer) == kinds.ENGINE
    interp.emit(EventKind.STEP, call.span, optimizer, scaler=scaler, engine=engine, closure=closure)


def own_step(interp: Interpreter, target: FuncVal, span: Span) -> bool:
    """Note a call of `step` or `zero_grad` of an optimizer class of the project; whether it was one."""
    if target.function.name not in ("step", "zero_grad") or not isinstance(target.this, Obj):
        return False
    if kinds.kind(interp.program, target.this) != kinds.OPTIMIZER:
        return False
    kind = EventKind.STEP if target.function.name == "step" else EventKind.CLEAR
    interp.emit(kind, span, target.this, scaler=None, engine=False, closure=None)
    return True


def _zero_grad(interp: Interpreter, call: Call, base: Value) -> bool:
    interp.emit(EventKind.CLEAR, call.span, base)
    return True


# Clipping ----------------------------------------------------------------------------------------


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


def from_norm(value: Value) -> bool:
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
    if _of_gradient(base) and call.args and from_norm(call.args[0]):
        interp.emit(EventKind.CLIP, call.span, base, library=False, hook=False, call=call)
    return True


def _copy_method(interp: Interpreter, call: Call, base: Value) -> bool:
    if _of_gradient(base) and call.args:
        gradient_assigned(interp, base.base if isinstance(base, Attr) else base, call.args[0])
    return True


def _zero_method(interp: Interpreter, call: Call, base: Value) -> bool:
    if _of_gradient(base):
        interp.emit(EventKind.CLEAR, call.span, base)
    return True


def _foreach_scale(interp: Interpreter, call: Call, callee: Ref) -> None:
    if len(call.args) > 1 and from_norm(call.args[1]):
        interp.emit(EventKind.CLIP, call.span, call.args[0], library=False, hook=False, call=call)


def gradient_assigned(interp: Interpreter, base: Value, value: Value) -> None:
    """`p.grad = value`: cleared, clamped or scaled."""
    span = interp.env.function.span
    last = call_name(value)
    if (isinstance(value, Const) and value.value is None) or last in ("zeros_like", "zeros"):
        interp.emit(EventKind.CLEAR, span, base)
    elif (
        last in _CLAMPS
        or last in ("where", "minimum")
        or (isinstance(value, Op) and value.op in ("*", "/") and from_norm(value))
    ):
        interp.emit(EventKind.CLIP, span, base, library=False, hook=False, call=value)


def item_assigned(interp: Interpreter, base: Value, index: Value, value: Value) -> None:
    """`base[index] = value`: nothing that a timeline holds."""


def updated_in_place(interp: Interpreter, before: Value, op: str, value: Value, span: Span) -> None:
    """`p.grad *= factor`."""
    if op in ("*", "/") and _of_gradient(before) and from_norm(value):
        interp.emit(EventKind.CLIP, span, before, library=False, hook=False, call=value)


def _unscale(interp: Interpreter, call: Call, base: Value) -> bool:
    interp.emit(EventKind.UNSCALE, call.span, call.args[0] if call.args else base, scaler=base)
    return True


def _hook(interp: Interpreter, call: Call, base: Value) -> bool:
    for value in call.args:
        code = interp.program.force(value)
        words = code.function.words if isinstance(code, FuncVal) else set()
        if not _CLAMPS.isdisjoint(words) or (call_name(code) or "") in CLIPPERS:
            interp.emit(EventKind.CLIP, call.span, base, library=False, hook=True, call=call)
        if not _FINITE.isdisjoint(words):
            interp.emit(EventKind.CHECK_FINITE, call.span, call, ended="raise")
        if words & {"zero_grad", "set_to_none"} or "None" in words:
            interp.emit(EventKind.CLEAR, call.span, base)
    return True


# Finite checks -----------------------------------------------------------------------------------


def finite_tests(interp: Interpreter, test: Value, depth: int = 8) -> Iterator[Value]:
    """What a condition tests for NaN or Inf."""
    if depth <= 0:
        return
    if isinstance(test, Op):
        same = len(test.operands) == 2 and describe(test.operands[0]) == describe(test.operands[1])
        if (test.op == "!=" and same) or (test.op == "==" and same):
            yield test.operands[0]
            return
        if test.op in ("==", "!=", "is", "in", "<", ">", "<=", ">=") and any(_infinite(o) for o in test.operands):
            yield test.operands[0]
            return
        for operand in test.operands:
            yield from finite_tests(interp, operand, depth - 1)
    elif isinstance(test, Call):
        name = call_name(test)
        if name in _FINITE:
            yield from test.args
            if isinstance(test.callee, Attr) and not test.args:
                yield test.callee.base
        elif name in _THROUGH:
            inner = (
                test.args[0] if test.args and not isinstance(test.callee, Attr) else getattr(test.callee, "base", None)
            )
            if isinstance(test.callee, Ref) and test.args:
                inner = test.args[0]
            if inner is not None:
                yield from finite_tests(interp, inner, depth - 1)
        elif isinstance(test.callee, (FuncVal, Imported)):
            opened = interp.program.opened(test)
            if opened is not test:
                yield from finite_tests(interp, opened, depth - 1)
    elif isinstance(test, Seq):
        for part in test.items:
            yield from finite_tests(interp, part, depth - 1)
    elif isinstance(test, Choice):
        for option in (test.test, test.then, test.other):
            if option is not None:
                yield from finite_tests(interp, option, depth - 1)
    elif isinstance(test, Item):
        yield from finite_tests(interp, test.base, depth - 1)


def _infinite(value: Value) -> bool:
    if isinstance(value, Const):
        return isinstance(value.value, float) and not math.isfinite(value.value)
    if isinstance(value, Ref):
        return value.name.rpartition(".")[2] in ("inf", "nan", "Inf", "NaN")
    if isinstance(value, Call) and value.args and isinstance(value.args[0], Const):
        return str(value.args[0].value).lower() in ("inf", "-inf", "nan", "infinity")
    return isinstance(value, Seq) and any(_infinite(i) for i in value.items)


def tested(interp: Interpreter, test: Value, span: Span, ended: str) -> None:
    """Note a condition that tests for NaN or Inf and does not just go on."""
    if interp.silent:
        return
    for subject in finite_tests(interp, test):
        interp.emit(EventKind.CHECK_FINITE, span, subject, ended=ended)


def _assert_async(interp: Interpreter, call: Call, callee: Ref) -> None:
    if call.args:
        tested(interp, call.args[0], call.span, "raise")


def _anomaly(interp: Interpreter, call: Call, callee: Ref) -> None:
    off = call.argument(0, "mode") if callee.name.endswith("set_detect_anomaly") else None
    nan = call.argument(1 if callee.name.endswith("set_detect_anomaly") else 0, "check_nan")
    if any(isinstance(v, Const) and v.value is False for v in (off, nan)):
        return
    interp.emit(EventKind.CHECK_FINITE, call.span, None, ended="raise", anomaly=callee.name.rpartition(".")[2])


def ends_process(value: Value) -> bool:
    """Whether evaluating this ended the program."""
    return isinstance(value, Call) and isinstance(value.callee, Ref) and value.callee.name in _EXITS


_METHODS: dict[str, Callable[[Interpreter, Call, Value], bool]] = {
    "backward": _backward,
    "manual_backward": _manual_backward,
    "step": _step,
    "zero_grad": _zero_grad,
    "clear_gradients": _zero_grad,
    "unscale_": _unscale,
    "unscale_gradients": _unscale,
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
_FUNCTIONS: dict[str, Callable[[Interpreter, Call, Ref], None]] = {
    "backward": _autograd_backward,
    "_assert_async": _assert_async,
    "set_detect_anomaly": _anomaly,
    "detect_anomaly": _anomaly,
    "_foreach_mul_": _foreach_scale,
    "_foreach_div_": _foreach_scale,
    **dict.fromkeys(CLIPPERS, _clip_function),
}


def finite_words(words: set[str]) -> bool:
    """Whether code that uses these names tests for NaN or Inf."""
    return not _FINITE.isdisjoint(words)
