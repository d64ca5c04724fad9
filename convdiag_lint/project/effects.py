"""What calls of libraries do to a training step: the linter's model of torch and its friends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convdiag_lint.events import EventKind
from convdiag_lint.project import finite, gradients, kinds
from convdiag_lint.project.values import Attr, Call, Const, FuncVal, Imported, Obj, Ref, Seq, Value, describe

if TYPE_CHECKING:
    from collections.abc import Callable

    from convdiag_lint.project.interpreter import Interpreter
    from convdiag_lint.reading.syntax import Span

_EXITS = frozenset(("sys.exit", "exit", "quit", "os._exit", "os.abort"))
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


def _unscale(interp: Interpreter, call: Call, base: Value) -> bool:
    interp.emit(EventKind.UNSCALE, call.span, call.args[0] if call.args else base, scaler=base)
    return True


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
    **gradients.METHODS,
}
_FUNCTIONS: dict[str, Callable[[Interpreter, Call, Ref], None]] = {
    "backward": _autograd_backward,
    **gradients.FUNCTIONS,
    **finite.FUNCTIONS,
}
