"""Training steps that a framework runs: Lightning, Hugging Face Trainer, DeepSpeed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from convdiag_lint.events import EventKind, Evidence
from convdiag_lint.project.classes import is_empty
from convdiag_lint.project.gradients import CLIPPERS
from convdiag_lint.project.values import Call, Const, Ref, Value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convdiag_lint.events import Finding
    from convdiag_lint.project.program import Program
    from convdiag_lint.project.view import ModuleView
    from convdiag_lint.reading.syntax import Class, Function

_LIGHTNING_TRAINER = re.compile(r"^(?:pytorch_lightning|lightning|lightning\.pytorch|pl)\b.*\bTrainer$")
_CONFIG_CHECKS = re.compile(rb"detect_anomaly\s*[:=]\s*['\"]?[Tt]rue|check_finite\s*[:=]\s*['\"]?[Tt]rue|EarlyStopping")
_CONFIG_OFF = re.compile(rb"check_finite\s*[:=]\s*[Ff]alse")
_MADE_ELSEWHERE = re.compile(rb"LightningCLI|from_argparse_args|instantiate\([^)]*trainer|instantiate_class")


def deepspeed_calls(program: Program, function: Function) -> list[Call]:
    """The `deepspeed.initialize` calls of the project that can be read."""
    found = []
    for path in program.files.mentioning("deepspeed.initialize"):
        module = program.modules.get(path)
        for other in (module.main, *module.functions) if module is not None else ():
            if "deepspeed" in other.words or other is function:
                found += [
                    c
                    for c in program.run(other).calls
                    if isinstance(c.callee, Ref) and c.callee.name == "deepspeed.initialize"
                ]
    return found


def anomaly_mode(program: Program, paths: list[str]) -> bool:
    """Whether one of these modules turns torch's anomaly detection on for the whole process."""
    for path in sorted(set(paths)):
        if b"set_detect_anomaly" not in program.files.read(path):
            continue
        module = program.modules.get(path)
        for function in (module.main, *module.functions) if module is not None else ():
            for event in program.run(function).events:
                if event.attributes.get("anomaly") == "set_detect_anomaly":
                    return True
    return False


def trainer_calls(program: Program, paths: list[str]) -> list[Call]:
    """Lightning `Trainer(...)` calls in these files."""
    found = []
    for path in paths:
        module = program.modules.get(path)
        for function in (module.main, *module.functions) if module is not None else ():
            if "Trainer" not in function.words and function is not function.module.main:
                continue
            for call in program.run(function).calls:
                if (
                    call.function is function
                    and isinstance(call.callee, Ref)
                    and _LIGHTNING_TRAINER.match(call.callee.name)
                ):
                    found.append(call)
    return found


def is_lightning(program: Program, cls: Class) -> bool:
    """Whether a class is a LightningModule."""
    return any(name.rpartition(".")[2] in ("LightningModule", "LightningLite") for name in program.classes.outside(cls))


def is_hf_trainer(program: Program, cls: Class) -> bool:
    """Whether a class is a Hugging Face (transformers, trl) Trainer."""
    return any(
        name.rpartition(".")[2].endswith("Trainer") and name.partition(".")[0] in ("transformers", "trl")
        for name in program.classes.outside(cls)
    )


def _off(value: Value | None) -> bool:
    """Whether a limit is written out and bounds nothing."""
    if isinstance(value, Const):
        return not value.value or value.value == float("inf")
    if isinstance(value, Call) and value.args and isinstance(value.args[0], Const):
        return str(value.args[0].value).lower() == "inf"
    return isinstance(value, Ref) and value.name.rpartition(".")[2] == "inf"


def clipping_of_framework(view: ModuleView, code: str, name: str) -> Iterator[Finding]:
    """Trainers of this module that are told not to clip, or not told to."""
    program = view.program
    data = program.files.read(view.module.path)
    if b"Trainer" not in data and b"TrainingArguments" not in data and b"max_grad_norm" not in data:
        return
    for function in view.functions:
        if not function.words & {"Trainer", "TrainingArguments", "max_grad_norm"} and function is not view.module.main:
            continue
        seen = False
        for call in program.run(function).calls:
            if call.function is not function or not isinstance(call.callee, Ref) or seen:
                continue
            message = _trainer_message(program, view, call)
            if message:
                seen = True
                yield view.finding(code, name, message, view.place(call.span), function.scope, [])


def _trainer_message(program: Program, view: ModuleView, call: Call) -> str:
    assert isinstance(call.callee, Ref)
    last = call.callee.name.rpartition(".")[2]
    limit = call.keywords.get("max_grad_norm")
    root = call.callee.name.partition(".")[0]
    if root in ("transformers", "trl") and limit is not None and _off(limit):
        return f"{last}(max_grad_norm=...) switches gradient clipping off; leave the default of 1.0"
    if not _LIGHTNING_TRAINER.match(call.callee.name) or "**" in call.keywords:
        return ""
    if b".fit(" not in program.files.read(view.module.path):
        return ""
    given = call.keywords.get("gradient_clip_val")
    if given is not None and not _off(given):
        return ""
    if not _automatic_modules(program):
        return ""
    return "Lightning Trainer without gradient clipping; add gradient_clip_val=1.0"


def _automatic_modules(program: Program) -> bool:
    """Whether the project has a LightningModule that leaves stepping, and clipping, to the Trainer."""
    for path in program.files.mentioning("training_step"):
        module = program.modules.get(path)
        for cls in module.classes if module is not None else ():
            if "training_step" not in cls.methods or not is_lightning(program, cls):
                continue
            words = {w for base in program.classes.linear(cls) for m in base.methods.values() for w in m.words}
            if (
                "configure_gradient_clipping" in {m for b in program.classes.linear(cls) for m in b.methods}
                or words & CLIPPERS
            ):
                return False
            if "automatic_optimization" not in words and "manual_backward" not in words:
                return True
    return False


def unchecked_framework_losses(view: ModuleView, code: str, name: str) -> Iterator[Finding]:
    """`training_step` and `compute_loss` of this module whose loss nobody tests."""
    program = view.program
    for cls in view.module.classes:
        step = cls.methods.get("training_step")
        if step is not None and not is_empty(step) and is_lightning(program, cls):
            run = program.run(step)
            kinds = {event.kind for event in run.events}
            if EventKind.STEP in kinds or EventKind.CHECK_FINITE in kinds:
                continue
            checked = _trainer_checks(program)
            if checked is True:
                continue
            place = view.place(step.span)
            yield view.finding(
                code, name,
                "the loss of training_step is never tested for NaN or Inf;"
                " add assert torch.isfinite(loss).all(), or Trainer(detect_anomaly=True)",
                place, step.scope, [Evidence(place.path, place.line, "Lightning updates with this loss")],
                unsure=checked is None,
            )  # fmt: skip
        loss = cls.methods.get("compute_loss")
        if loss is not None and not is_empty(loss) and is_hf_trainer(program, cls):
            if any(e.kind is EventKind.CHECK_FINITE for e in program.run(loss).events):
                continue
            if _only_wraps(loss):
                continue
            yield view.finding(
                code, name,
                "the loss of compute_loss is never tested for NaN or Inf before the update;"
                " add assert torch.isfinite(loss).all()",
                view.place(loss.span), loss.scope, [],
            )  # fmt: skip


def _only_wraps(function: Function) -> bool:
    return len(function.body) <= 2 and "super" in function.words and len(function.words) < 12


def _trainer_checks(program: Program) -> bool | None:
    """Whether some Trainer of the project tests for NaN; None where Trainers are made out of sight."""
    for path in program.files.configs:
        if _CONFIG_CHECKS.search(program.files.read(path)):
            return True
    for word in ("EarlyStopping", "detect_anomaly"):
        for path in program.files.mentioning(word):
            data = program.files.read(path)
            if (_CONFIG_OFF.search(data) is None and _CONFIG_CHECKS.search(data)) or _turns_on(program, path):
                return True
    hidden = any(_MADE_ELSEWHERE.search(program.files.read(path)) for path in program.files.mentioning("rainer"))
    return None if hidden else False


def _turns_on(program: Program, path: str) -> bool:
    for call in trainer_calls(program, [path]):
        value = call.keywords.get("detect_anomaly")
        if value is not None and not _off(value):
            return True
    return False


def trainer_precisions(view: ModuleView) -> Iterator[tuple[Call, str, str]]:
    """Constant precisions of this module's Lightning Trainers: call, precision, scope."""
    if b"precision" not in view.program.files.read(view.module.path):
        return
    for call in trainer_calls(view.program, [view.module.path]):
        value = call.keywords.get("precision")
        if isinstance(value, Const) and value.value is not None:
            yield call, str(value.value), call.function.scope


_FIXED = {
    "Accelerator": ("mixed_precision", "fp16"),
    "TrainingArguments": ("fp16", True),
    "Seq2SeqTrainingArguments": ("fp16", True),
    "SFTConfig": ("fp16", True),
}


def fixed_framework_halves(view: ModuleView) -> Iterator[tuple[Call, str, str]]:
    """float16 written out in a framework's constructor: call, what it says, scope."""
    data = view.program.files.read(view.module.path)
    if b"fp16" not in data:
        return
    for function in view.functions:
        if not function.words & {"mixed_precision", "fp16"} and function is not view.module.main:
            continue
        for call in view.program.run(function).calls:
            if call.function is not function or not isinstance(call.callee, Ref):
                continue
            last = call.callee.name.rpartition(".")[2]
            keyword, constant = _FIXED.get(last, ("", None))
            value = call.keywords.get(keyword)
            if isinstance(value, Const) and value.value == constant and not call.guards:
                yield call, f"{last}({keyword}={constant!r})", function.scope
