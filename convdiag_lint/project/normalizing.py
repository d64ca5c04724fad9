"""Where data are normalized, and what the numbers go back to that normalize them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from convdiag_lint.project import kinds
from convdiag_lint.project.graph import through
from convdiag_lint.project.programs import APPLIES
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
    Setting,
    Value,
    call_name,
    walk,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from convdiag_lint.project.program import Program
    from convdiag_lint.reading.syntax import Function, Module

CENTERS = frozenset(
    "mean nanmean average min amin nanmin quantile percentile nanquantile nanpercentile median nanmedian".split()
)
"""Calls whose result is subtracted."""
SPREADS = frozenset("std nanstd var nanvar max amax nanmax ptp quantile percentile nanquantile nanpercentile".split())
"""Calls whose result, or its distance to a centre, is divided by."""
KEPT = frozenset(
    "clip clamp clamp_ clip_ clamp_min maximum sqrt where nan_to_num to_numpy numpy cpu cuda to float"
    " double astype reshape view unsqueeze squeeze expand detach clone copy tensor as_tensor from_numpy"
    " array asarray FloatTensor Tensor item tolist abs repeat flatten stack concatenate cat float32"
    " expand_dims max min add type rsqrt keepdims fmax".split()
)
"""Calls that hand a statistic on."""
_LOADS = frozenset(
    "load loadtxt read_csv safe_load loads load_file full_load read_pickle File from_json load_json".split()
)
_LIBRARIES = ("numpy.", "np.", "torch.", "jnp.", "jax.numpy.")


@dataclass(slots=True, eq=False)
class Source:
    """What a value that normalizes goes back to."""

    computed: list[Call]
    loaded: bool = False
    constant: bool = False
    unknown: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Application:
    """`(data - centre) / spread` in a function."""

    function: Function
    data: Value
    centre: Source
    spread: Source
    value: Value


def applications(program: Program, module: Module) -> list[Application]:
    """Every place of a module that normalizes with something that is not a literal."""
    known: dict[str, list[Application]] = program.facts.setdefault("statistics applied", {})
    if module.path not in known:
        known[module.path] = []
        if APPLIES.search(program.files.read(module.path)):
            known[module.path] = list(_find_applications(program, module))
    return known[module.path]


def _find_applications(program: Program, module: Module) -> Iterator[Application]:
    seen: set[int] = set()
    for function in (module.main, *module.functions):
        for value in _values_of(program, function):
            parts = _normalization(program, value)
            if parts is None or id(value) in seen:
                continue
            seen.add(id(value))
            data, centre, spread = parts
            low, wide = source_of(program, centre), source_of(program, spread)
            yield Application(function, data, low, wide, value)


def arrives(program: Program, use: Application) -> bool:
    """Whether normalized data goes on to a model, a data set or the caller, not only into a loss."""
    run = program.run(use.function)
    goals: list[Value] = [*run.heap.values()]
    if run.result is not None:
        goals.append(run.result)
    for call in run.calls:
        name = call_name(call) or ""
        if name.endswith(("Dataset", "DataLoader")) or _is_model(program, call.callee):
            goals += [*call.args, *call.keywords.values()]
    for site in run.sites:
        goals += site.given.values()
    return any(inner is use.value for goal in goals for inner in walk(goal, 600))


def _is_model(program: Program, callee: Value) -> bool:
    """Whether a callee is a module, by its class or its name."""
    return (
        kinds.kind(program, callee) == kinds.MODULE
        or re.search(
            r"model|net(?:work)?$|policy|actor|critic|agent|encoder|decoder",
            getattr(callee, "hint", "") or getattr(callee, "name", ""),
        )
        is not None
    )


def _values_of(program: Program, function: Function) -> Iterator[Value]:
    """What a function makes, without what the calls in it make."""
    run = program.run(function)
    start = [*run.calls, *run.env.names.values(), *run.heap.values()]
    start += [value for site in run.sites if site.caller is function for value in site.given.values()]
    if run.result is not None:
        start.append(run.result)
    seen: set[int] = set()
    for value in start:
        for inner in walk(value, 400):
            if id(inner) not in seen:
                seen.add(id(inner))
                yield inner
        if len(seen) > 6000:
            return


def _normalization(program: Program, value: Value) -> tuple[Value, Value, Value] | None:
    """Data, centre and spread if a value is `(data - centre) / spread`."""
    divided = _operands(value, "/", ("div", "div_", "divide", "true_divide"))
    if divided is None:
        return None
    shifted = _operands(_unscaled(divided[0]), "-", ("sub", "sub_", "subtract"))
    if shifted is None:
        return None
    return shifted[0], shifted[1], divided[1]


def _unscaled(value: Value) -> Value:
    """A numerator without a literal factor: `2 * (x - low)`."""
    if isinstance(value, Op) and value.op == "*" and len(value.operands) == 2:
        rest = [operand for operand in value.operands if not isinstance(operand, Const)]
        return rest[0] if len(rest) == 1 else value
    return value


def _operands(value: Value, op: str, names: tuple[str, ...]) -> tuple[Value, Value] | None:
    if isinstance(value, Op) and value.op == op and len(value.operands) == 2:
        return value.operands[0], value.operands[1]
    if isinstance(value, Call) and call_name(value) in names:
        if isinstance(value.callee, Ref):
            return (value.args[0], value.args[1]) if len(value.args) > 1 else None
        if isinstance(value.callee, Attr) and value.args:
            return value.callee.base, value.args[0]
    return None


def source_of(program: Program, value: Value) -> Source:
    """The computations, files and literals that a centre or spread goes back to."""
    found = Source([])
    _trace(program, value, 14, found, set())
    return found


def measured(call: Call) -> Value | None:
    """The data that a call takes a statistic of; None if the call is none."""
    name = call_name(call)
    if name not in CENTERS and name not in SPREADS:
        return None
    callee = call.callee
    if isinstance(callee, Ref):
        return call.args[0] if callee.name.startswith(_LIBRARIES) and call.args else None
    if isinstance(callee, Attr):
        # `max` and `min` of two tensors compare them.
        return (
            None if name in ("max", "min") and call.args and not isinstance(call.args[0], (Const, Seq)) else callee.base
        )
    return None


def _trace(program: Program, value: Value, depth: int, found: Source, seen: set[int]) -> None:
    if depth <= 0:
        found.unknown = True
        return
    if id(value) in seen:
        return
    seen.add(id(value))

    def look(*parts: Value) -> None:
        for part in parts:
            _trace(program, part, depth - 1, found, seen)

    if isinstance(value, Const):
        found.constant = True
    elif isinstance(value, Call):
        _trace_call(program, value, found, look)
    elif isinstance(value, Op) and value.op in ("+", "-", "*", "/", "**"):
        look(*value.operands)
    elif isinstance(value, Choice):
        look(value.then, value.other)
    elif isinstance(value, Seq):
        look(*value.items[:6])
    elif isinstance(value, Map):
        look(*(part for _, part in value.items[:8]))
    elif isinstance(value, (Imported,)):
        look(program.force(value))
    elif isinstance(value, Param):
        bound = program.callers.bindings(value, helpers=True)[:6]
        if value.default is not None and not bound:
            bound = [value.default]
        found.unknown |= not bound
        look(*bound)
    elif isinstance(value, Setting):
        found.constant = True
    elif isinstance(value, Elem):
        look(program.opened(value.iterable))
    elif isinstance(value, (Item, Attr)):
        opened = through(program, value)
        if opened is not value:
            look(opened)
        elif isinstance(value, Item) or isinstance(value.base, (Item, Call, Attr, Choice)):
            look(value.base)
        else:
            found.unknown = True
    else:
        found.unknown = True


def _trace_call(program: Program, value: Call, found: Source, look: Callable[..., None]) -> None:
    callee, name = value.callee, call_name(value) or ""
    if isinstance(callee, (FuncVal, Imported, Obj)):
        opened = program.expand(value)
        if opened is not value:
            look(opened)
            return
        found.unknown = True
        return
    if measured(value) is not None:
        found.computed.append(value)
    elif name in _LOADS:
        found.loaded = True
    elif name in KEPT:
        parts = [part for part in value.args[:3] if not isinstance(part, Const)]
        if isinstance(callee, Attr) and not isinstance(callee.base, Ref):
            parts.insert(0, callee.base)
        look(*parts)
    elif name in ("get", "pop") and isinstance(callee, Attr):
        look(callee.base)
    else:
        found.unknown = True
