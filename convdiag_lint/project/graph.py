"""Walking through values with project calls run through."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convdiag_lint.project.deciding import called_as, choose, default_of, entries
from convdiag_lint.project.values import (
    Attr,
    Call,
    Choice,
    ClassVal,
    Const,
    FuncVal,
    Imported,
    Item,
    Obj,
    Op,
    Param,
    Ref,
    Setting,
    Value,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convdiag_lint.project.program import Program
    from convdiag_lint.project.run import Run

_SAME = frozenset(
    "view reshape unsqueeze squeeze expand expand_as repeat to float double half type type_as contiguous clone detach"
    " requires_grad_ flatten cuda cpu bfloat16 view_as repeat_interleave broadcast_to astype copy tolist item"
    " transpose permute T rearrange append_dims".split()
)
_WRAPPERS = frozenset("vmap pmap jit checkpoint remat".split())
_SAME_FUNCTIONS = frozenset(
    "rearrange repeat broadcast_to unsqueeze squeeze tensor as_tensor from_numpy asarray array float expand_dims"
    " append_dims right_pad_dims_to expand_tensor_like pad_t_like_x reshape".split()
)


def through(program: Program, value: Value) -> Value:
    """A value without reshapes, casts and project helpers around it."""
    for _ in range(12):
        if isinstance(value, Call):
            callee = value.callee
            if isinstance(callee, Attr) and callee.name in _SAME:
                value = callee.base
                continue
            name = callee.name.rpartition(".")[2] if isinstance(callee, Ref) else ""
            if name in _SAME_FUNCTIONS and value.args:
                value = value.args[0]
                continue
            if name in ("full", "full_like") and len(value.args) > 1:
                value = value.args[1]
                continue
            if isinstance(callee, (Param, Setting, Attr, Call, Item, Choice)):
                value = _called_through(program, value)
                callee = value.callee
            if isinstance(callee, (FuncVal, Imported, Obj, ClassVal)):
                opened = program.expand(value)
                if opened is not value:
                    value = opened
                    continue
        elif isinstance(value, Item) and _only_shapes(value.index):
            value = value.base
            continue
        elif isinstance(value, Item):
            opened = program.item(value.base, value.index)
            if not isinstance(opened, Item) or opened.base is not value.base:
                value = opened
                continue
            base = through(program, value.base)
            if base is not value.base:
                opened = program.item(base, value.index)
                if not isinstance(opened, Item):
                    value = opened
                    continue
        elif isinstance(value, Attr):
            base = through(program, value.base)
            if base is not value.base:
                opened = program.attribute(base, value.name)
                if not (isinstance(opened, Attr) and opened.base is base):
                    value = opened
                    continue
        elif isinstance(value, Choice):
            chosen = choose(program, value)
            if chosen is not value:
                value = chosen
                continue
            if not isinstance(value.then, Choice) and not isinstance(value.other, Choice):
                then = through(program, value.then)
                if then is through(program, value.other):
                    return then
        return value
    return value


def _called_through(program: Program, value: Call) -> Call:
    """A call of a parameter, a method or a choice, as a call of the project function that it is."""
    known: dict[int, Call] = program.facts.setdefault("calls seen through", {})
    if id(value) not in known:
        known[id(value)] = value
        program.facts.setdefault("kept", []).append(value)
        callee = value.callee
        plain = default_of(program, callee)
        if isinstance(callee, Attr):
            base = through(program, callee.base)
            plain = program.attribute(base, callee.name) if isinstance(base, Obj) else callee
        if isinstance(callee, Call):
            plain = _mapped(callee)
            plain = default_of(program, plain) if plain is not callee else program.expand(callee)
        if isinstance(plain, (FuncVal, Obj, ClassVal)):
            known[id(value)] = called_as(program, value, plain)
    return known[id(value)]


def _mapped(callee: Call) -> Value:
    """The function that `vmap` or `jit` makes a batched or compiled one of."""
    if isinstance(callee.callee, Ref) and callee.callee.name.rpartition(".")[2] in _WRAPPERS and callee.args:
        return callee.args[0]
    return callee


def _only_shapes(index: Value) -> bool:
    """Whether an index only adds axes or takes everything: `[:, None]`, `[..., None]`."""
    parts = index.parts() if not isinstance(index, Const) else (index,)
    for part in parts or (index,):
        plain = isinstance(part, Const) and part.value in (None, Ellipsis)
        everything = (
            isinstance(part, Op)
            and part.op == "slice"
            and all(isinstance(o, Const) and o.value is None for o in part.operands)
        )
        if isinstance(index, Op) and index.op == "slice":
            plain = isinstance(part, Const) and part.value is None
        if not plain and not everything:
            return False
    return True


def nodes(program: Program, run: Run, limit: int = 2500) -> Iterator[Value]:
    """Every value of a run, project calls run through, each once."""
    start: list[Value] = [*run.calls, *run.env.names.values()]
    if run.result is not None:
        start.append(run.result)
    yield from deep(program, start, limit)


def deep(program: Program, start: list[Value], limit: int = 2500) -> Iterator[Value]:
    """Values and all that they were made from, project calls run through."""
    seen: set[int] = set()
    queue: list[Value] = []
    for value in start:
        if id(value) not in seen:
            seen.add(id(value))
            queue.append(value)
    for value in queue:
        yield value
        if len(queue) > limit:
            continue
        parts = list(value.parts())
        if isinstance(value, Call) and isinstance(value.callee, (Call, Item)):
            # Which function of a table is called may be for a config to say: each of them may be.
            parts += [program.expand(called_as(program, value, entry)) for entry in entries(program, value.callee)]
        if isinstance(value, (Call, Item, Attr)):
            opened = through(program, value)
            if opened is not value:
                parts.append(opened)
        for part in parts:
            if id(part) not in seen:
                seen.add(id(part))
                queue.append(part)
