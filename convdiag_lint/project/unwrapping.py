"""What is behind DataParallel, compile, `.to(device)` and the like."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convdiag_lint.project.values import Attr, Call, Choice, Const, FuncVal, Imported, Item, Ref, Value

if TYPE_CHECKING:
    from convdiag_lint.project.program import Program

TRANSPARENT = frozenset(
    "DataParallel DistributedDataParallel FullyShardedDataParallel DDP FSDP compile script script_module"
    " convert_sync_batchnorm SyncBatchNorm nearest trace".split()
)
"""Calls that hand their first argument on as a module that behaves the same."""
SAME = frozenset("to cuda cpu train eval float double half bfloat16 requires_grad_ share_memory unwrap_model".split())
"""Methods of a module that return it."""


def unwrapped(program: Program, value: Value) -> Value:
    """A module without DataParallel, compile, `.to(device)` and the like around it."""
    return program.remember(program.unwrapped, value, lambda: _unwrap(program, value), value)


def _unwrap(program: Program, value: Value) -> Value:
    for _ in range(8):
        if isinstance(value, Call):
            callee = value.callee
            if isinstance(callee, Ref) and callee.name.rpartition(".")[2] in TRANSPARENT and value.args:
                value = value.args[0]
                continue
            if isinstance(callee, Attr) and callee.name in SAME:
                value = value.args[0] if callee.name == "unwrap_model" and value.args else callee.base
                continue
            if isinstance(callee, Attr) and callee.name == "prepare" and len(value.args) == 1:
                value = value.args[0]
                continue
            if isinstance(callee, (FuncVal, Imported)):
                opened = program.opened(value)
                if opened is value:
                    return value
                value = opened
                continue
        elif isinstance(value, Item) and isinstance(value.base, Call) and isinstance(value.index, Const):
            callee = value.base.callee
            position = value.index.value
            if isinstance(callee, Attr) and callee.name in ("prepare", "setup") and isinstance(position, int):
                if position < len(value.base.args):
                    value = value.base.args[position]
                    continue
        elif isinstance(value, Attr) and value.name == "module":
            value = value.base
            continue
        elif isinstance(value, Choice):
            then, other = unwrapped(program, value.then), unwrapped(program, value.other)
            if then is other or isinstance(other, Const):
                return then
            if isinstance(then, Const):
                return other
        return value
    return value
