"""What part a value plays in training: optimizer, scaler, model, data, environment."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from convdiag_lint.project.values import (
    Attr,
    Call,
    Choice,
    ClassVal,
    Const,
    Elem,
    FuncVal,
    Imported,
    Item,
    Map,
    Obj,
    Param,
    Ref,
    Seq,
    Setting,
    Value,
    describe,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from convdiag_lint.project.program import Program

OPTIMIZER, SCHEDULER, SCALER, ENGINE = "optimizer", "scheduler", "scaler", "engine"
ACCELERATOR, MODULE, LOADER, ENV, OTHER = "accelerator", "module", "loader", "env", "other"

_OPTIMIZER_CLASSES = re.compile(
    r"^(?:\w*Adam\w*|\w*SGD\w*|RMSprop\w*|Ada(?:grad|delta|factor|Belief|Bound|mod|max)\w*"
    r"|L(?:BFGS|ion|amb|AMB|ARS|ars)\w*|Rprop|Adan|Muon\w*|Prodigy\w*|Sophia\w*|Shampoo|SOAP|Ranger\w*|NovoGrad|Adopt\w*|Yogi|MADGRAD|DAdapt\w*"
    r"|Lookahead|ScheduleFree\w*|\w*Optimizer\w*|\w*Optim)$"
)
_OPTIMIZER_MAKERS = re.compile(
    r"(?:^|_)(?:optimizers?|optim|optims)(?:_|$)|^configure_optimizers$|create_optimizer", re.IGNORECASE
)
_NAMES = (
    (SCHEDULER, re.compile(r"sched|(?:^|_)lr(?:_|$)|warmup|annealing", re.IGNORECASE)),
    (SCALER, re.compile(r"scaler$|^scaler|loss_scale", re.IGNORECASE)),
    (OPTIMIZER, re.compile(r"(?:^|_)(?:opt|optims?)(?:_|\d|$)|optimi[sz]er|^opt[A-Z]|Opt(?:im)?$|optim[A-Z\d]")),
    (ACCELERATOR, re.compile(r"accelerat|^fabric$", re.IGNORECASE)),
    (ENGINE, re.compile(r"(?:model_)?engine$")),
    (ENV, re.compile(r"(?:^|_)v?envs?(?:_|\d|$)|environment")),
    (OTHER, re.compile(r"prof|ema|simulator|noise_|diffusion|timer|pbar|progress", re.IGNORECASE)),
)  # fmt: skip
_SAME = frozenset("to cuda cpu train eval half float double bfloat16 requires_grad_ share_memory compile".split())


def kind(program: Program, value: Value) -> str | None:
    """The part a value plays, or None where nothing tells."""
    return program.remember(program.kinds, value, lambda: _kind(program, value, 6), None)


def _kind(program: Program, value: Value, depth: int) -> str | None:
    if depth <= 0:
        return None
    deeper = depth - 1
    if isinstance(value, Imported):
        value = program.force(value)
    if isinstance(value, Obj):
        return _class_kind(program, value)
    if isinstance(value, (Const, FuncVal, ClassVal, Map)):
        return None
    if isinstance(value, Call):
        return _call_kind(program, value, deeper)
    if isinstance(value, Item):
        return _item_kind(program, value, deeper)
    if isinstance(value, Elem):
        return _of_any(program, value.iterable, deeper)
    if isinstance(value, Seq):
        return _first(_kind(program, i, deeper) for i in value.items[:4])
    if isinstance(value, Choice):
        return _kind(program, value.then, deeper) or _kind(program, value.other, deeper)
    if isinstance(value, Param):
        # By its name alone: this is asked while code runs, when callers must not be looked at.
        return named(value.hint)
    if isinstance(value, Attr):
        if value.name in ("module", "optimizer") and value.name == "module":
            return _kind(program, value.base, deeper)
        return named(value.name)
    if isinstance(value, (Setting, Ref)):
        return named(value.name.rpartition(".")[2])
    return named(value.hint)


def named(name: str) -> str | None:
    """The part that a name suggests."""
    for found, pattern in _NAMES:
        if pattern.search(name):
            return found
    return None


def _first(found: Iterable[str | None]) -> str | None:
    return next((k for k in found if k is not None), None)


def _of_any(program: Program, value: Value, depth: int) -> str | None:
    value = program.opened(value)
    if isinstance(value, Seq):
        return _first(_kind(program, i, depth) for i in value.items[:4])
    if isinstance(value, Map):
        return _first(_kind(program, v, depth) for _, v in value.items[:4])
    if isinstance(value, Call) and isinstance(value.callee, Attr) and value.callee.name in ("values", "items"):
        return _of_any(program, value.callee.base, depth)
    return _kind(program, value, depth)


def _class_kind(program: Program, value: Obj) -> str | None:
    classes = program.classes
    outside = classes.outside(value.cls)
    for name in outside:
        last = name.rpartition(".")[2]
        if last in ("Module", "LightningModule", "Sequential", "PreTrainedModel", "ModuleList"):
            return MODULE
        if last == "Optimizer" or (name.startswith("torch.optim.") and "lr_scheduler" not in name):
            return OPTIMIZER
        if "lr_scheduler" in name or "LRScheduler" in last:
            return SCHEDULER
        if "GradScaler" in last:
            return SCALER
        if last in ("Env", "Wrapper", "ObservationWrapper", "VecEnv", "VectorEnv"):
            return ENV
        if _OPTIMIZER_CLASSES.match(last):
            return OPTIMIZER
    return None


def _call_kind(program: Program, value: Call, depth: int) -> str | None:
    callee = value.callee
    if isinstance(callee, Imported):
        opened = program.opened(value)
        if opened is not value:
            return _kind(program, opened, depth)
        return _maker_kind(callee.name or "") or named(value.hint)
    if isinstance(callee, FuncVal):
        opened = program.expand(value)
        found = _kind(program, opened, depth) if opened is not value else None
        return found or _maker_kind(callee.function.name) or named(value.hint)
    if isinstance(callee, Ref):
        return _library_kind(callee.name, value) or named(value.hint)
    if isinstance(callee, Attr):
        if callee.name in _SAME:
            return _kind(program, callee.base, depth)
        if callee.name in ("prepare", "setup", "setup_module", "setup_optimizers", "prepare_model") and value.args:
            return _kind(program, value.args[0], depth)
        return _maker_kind(callee.name) or named(value.hint)
    if isinstance(callee, Call):
        # getattr(torch.optim, name)(...), and classes out of tables of optimizers.
        text = describe(callee)
        if "torch.optim" in text and "lr_scheduler" not in text:
            return OPTIMIZER
    if isinstance(callee, Obj):
        return named(value.hint)
    return _maker_kind(getattr(callee, "hint", "")) or named(value.hint)


def _maker_kind(name: str) -> str | None:
    if "sched" in name.lower():
        return SCHEDULER
    if _OPTIMIZER_CLASSES.match(name):
        return OPTIMIZER
    return OPTIMIZER if _OPTIMIZER_MAKERS.search(name) else None


def _library_kind(name: str, value: Call) -> str | None:
    last = name.rpartition(".")[2]
    if "lr_scheduler" in name or "scheduler" in last.lower():
        return SCHEDULER
    if name.startswith(("torch.optim.", "apex.optimizers.", "bitsandbytes.optim.", "timm.optim.")):
        return OPTIMIZER
    if "GradScaler" in last:
        return SCALER
    if last in ("Accelerator", "Fabric", "LightningLite"):
        return ACCELERATOR
    if last == "instantiate":
        text = describe(value.args[0]) if value.args else ""
        return named(text.rpartition(".")[2]) or named(value.hint)
    if last in ("DataLoader", "StatefulDataLoader"):
        return LOADER
    if name in ("gym.make", "gymnasium.make") or last in (
        "SyncVectorEnv",
        "AsyncVectorEnv",
        "DummyVecEnv",
        "SubprocVecEnv",
    ):
        return ENV
    if _OPTIMIZER_CLASSES.match(last) or _OPTIMIZER_MAKERS.search(last):
        return OPTIMIZER
    return None


def _item_kind(program: Program, value: Item, depth: int) -> str | None:
    base, index = program.opened(value.base), value.index
    if isinstance(base, Call) and isinstance(index, Const) and isinstance(index.value, int):
        callee = base.callee
        if isinstance(callee, Attr) and callee.name in ("prepare", "setup") and index.value < len(base.args):
            return _kind(program, base.args[index.value], depth)
        if isinstance(callee, Ref):
            if callee.name == "deepspeed.initialize":
                return (ENGINE, OPTIMIZER, LOADER, SCHEDULER)[index.value] if 0 <= index.value < 4 else None
            if callee.name.endswith("amp.initialize") and 0 <= index.value < len(base.args):
                return _kind(program, base.args[index.value], depth)
    if isinstance(index, Const) and isinstance(index.value, str):
        found = named(index.value)
        if found is not None:
            return found
    if isinstance(base, (Call, Item, Seq, Map, Attr, Choice)) and not value.hint:
        return _of_any(program, base, depth)
    return named(value.hint) or _of_any(program, base, depth)
