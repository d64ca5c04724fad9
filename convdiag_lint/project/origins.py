"""Where a value came from: the constructor calls behind an optimizer, the modules behind parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convdiag_lint.project.unwrapping import unwrapped
from convdiag_lint.project.values import (
    Attr,
    Call,
    Choice,
    Const,
    Elem,
    FuncVal,
    Imported,
    Item,
    Map,
    Obj,
    Op,
    Param,
    Ref,
    Seq,
    Value,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convdiag_lint.project.program import Program

_MOVES = frozenset("to cuda cpu train eval".split())
_HANDED_ON = frozenset("prepare setup setup_optimizers distribute initialize compile".split())


def origins(program: Program, value: Value, depth: int = 8) -> list[Value]:
    """What a value may be once parameters, containers, factories and wrappers are seen through."""
    found: list[Value] = []
    _collect(program, value, depth, found, set())
    return found


def _collect(program: Program, value: Value, depth: int, found: list[Value], seen: set[int]) -> None:
    if depth <= 0 or id(value) in seen or len(found) > 24:
        return
    seen.add(id(value))
    for inner in _behind(program, value):
        if inner is value:
            found.append(value)
        else:
            _collect(program, inner, depth - 1, found, seen)


def _behind(program: Program, value: Value) -> Iterator[Value]:
    """The values one step behind this one; itself where it ends."""
    if isinstance(value, Imported):
        yield program.force(value)
    elif isinstance(value, Choice):
        yield value.then
        yield value.other
    elif isinstance(value, Param):
        bound = program.callers.bindings(value)
        yield from bound[:6] if bound else [value]
    elif isinstance(value, Call):
        callee = value.callee
        if isinstance(callee, FuncVal) and callee.this is not None and callee.function.name in _MOVES:
            # A module with a `to` of its own: what it gives back is the module.
            yield callee.this
            return
        if isinstance(callee, (FuncVal, Imported)):
            opened = program.expand(value)
            yield opened
            return
        if isinstance(callee, Attr) and callee.name in _HANDED_ON and len(value.args) == 1:
            yield value.args[0]
        elif isinstance(callee, Attr) and callee.name in _MOVES:
            yield callee.base
        else:
            yield value
    elif isinstance(value, Item):
        yield from _behind_item(program, value)
    elif isinstance(value, Elem):
        iterable = program.opened(value.iterable)
        if isinstance(iterable, Seq):
            yield from iterable.items[:8]
        elif isinstance(iterable, Map):
            yield from [inner for _, inner in iterable.items[:8]]
        else:
            yield value
    else:
        yield value


def _behind_item(program: Program, value: Item) -> Iterator[Value]:
    base = program.opened(value.base)
    index = value.index
    opened = program.item(base, index)
    if not (isinstance(opened, Item) and opened.base is value.base) and not isinstance(opened, Item):
        yield opened
        return
    if isinstance(base, Call) and isinstance(index, Const) and isinstance(index.value, int):
        callee = base.callee
        name = callee.name if isinstance(callee, (Attr, Ref)) else ""
        if name.rpartition(".")[2] in _HANDED_ON and 0 <= index.value < len(base.args):
            yield base.args[index.value]
            return
    if isinstance(base, (Seq, Map, Choice, Param)):
        for inner in origins(program, base, 3):
            if isinstance(inner, Seq) and inner is not base:
                yield program.item(inner, index)
                return
            if isinstance(inner, Map):
                yield from [v for _, v in inner.items[:8]]
                return
    yield value


def parameter_owners(program: Program, value: Value | None, depth: int = 10) -> list[Value] | None:
    """The modules (or tensors) whose parameters a value holds; None where that cannot be told."""
    if value is None or depth <= 0:
        return None
    if isinstance(value, Seq):
        found: list[Value] = []
        for inner in value.items:
            below = parameter_owners(program, inner, depth - 1)
            if below is None:
                return None
            found.extend(below)
        return found
    if isinstance(value, Map):
        for key, inner in value.items:
            if isinstance(key, Const) and key.value == "params":
                return parameter_owners(program, inner, depth - 1)
        return None
    if isinstance(value, Op) and value.op in ("+", "*"):
        return parameter_owners(program, Seq("list", value.operands), depth - 1)
    if isinstance(value, Call):
        callee = value.callee
        if isinstance(callee, Attr) and callee.name in ("parameters", "named_parameters"):
            return [unwrapped(program, callee.base)]
        if isinstance(callee, Ref) and callee.name.rpartition(".")[2] in ("list", "filter", "chain", "tuple", "iter"):
            return parameter_owners(
                program, Seq("list", value.args[-1:] if "filter" in callee.name else value.args), depth - 1
            )
        if isinstance(callee, FuncVal) and callee.function.name in ("parameters", "named_parameters") and callee.this:
            return [callee.this]
        return None
    if isinstance(value, Attr):
        return [value]
    if isinstance(value, Obj):
        return [value]
    return None
