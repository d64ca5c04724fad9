"""Statistics of the training data: where they are computed, and where they are applied."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from convdiag_lint.project import kinds
from convdiag_lint.project.graph import through
from convdiag_lint.project.origins import origins
from convdiag_lint.project.programs import APPLIES, neighbours
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
    from collections.abc import Iterator

    from convdiag_lint.project.program import Program
    from convdiag_lint.reading.syntax import Function, Module, Span

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
_HAS_CENTRE = re.compile(rb"\b(?:nan)?(?:mean|average|a?min|quantile|percentile|median)\(")
_HAS_SPREAD = re.compile(rb"\b(?:nan)?(?:std|var|a?max|ptp|quantile|percentile)\(")
SCALERS = frozenset(
    "StandardScaler MinMaxScaler RobustScaler QuantileTransformer PowerTransformer MaxAbsScaler".split()
)
WRAPPERS = frozenset("NormalizeObservation VecNormalize NormalizeObs VecNormalizeObservation".split())
_HAS_FITTED = re.compile(rb"\b(?:" + "|".join(sorted(SCALERS)).encode() + rb")\(")
_HAS_WRAPPER = re.compile(rb"\b(?:" + "|".join(sorted(WRAPPERS)).encode() + rb")\(")
_NOT_INPUTS = re.compile(
    r"adv|(?:\b|_)gae|return|rew|loss|(?:\b|_)values?(?:\b|_)|v_?targ|logit|score|box|weight|grad|prob|depth|ima?ge?"
    r"|(?<!data)(?<!data_)frame|pixel|point_?cloud|(?:\b|_)q(?:_|\b)|similarit|heat|mask|attn|attention|wav|audio"
    r"|(?:\b|_)mels?(?:\b|_)|spectro|(?:\b|_)spec(?:\b|_)|noise|patch|cluster|cost|error",
    re.IGNORECASE,
)
"""Names of data that are not the inputs or actions of the training set: targets of reinforcement
learning, losses, and samples that are scaled one by one."""
_NOT_TRAINING = re.compile(
    r"plot|vis(?:$|_|uali)|render|eval|(?:^|[_/])tests?(?:[_/.]|$)|metric|fid(?:$|[_/.])|draw|colori|infer|predict",
    re.IGNORECASE,
)


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
        for value in values_of(program, function):
            parts = normalization(program, value)
            if parts is None or id(value) in seen:
                continue
            seen.add(id(value))
            data, centre, spread = parts
            low, wide = source_of(program, centre), source_of(program, spread)
            yield Application(function, data, low, wide, value)


def values_of(program: Program, function: Function) -> Iterator[Value]:
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


def normalization(program: Program, value: Value) -> tuple[Value, Value, Value] | None:
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


def _trace_call(program: Program, value: Call, found: Source, look: object) -> None:
    callee, name = value.callee, call_name(value) or ""
    if isinstance(callee, (FuncVal, Imported, Obj)):
        opened = program.expand(value)
        if opened is not value:
            look(opened)  # type: ignore[operator]
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
        look(*parts)  # type: ignore[operator]
    elif name in ("get", "pop") and isinstance(callee, Attr):
        look(callee.base)  # type: ignore[operator]
    else:
        found.unknown = True


# Which statistics a module computes -----------------------------------------------------------


def may_compute(data: bytes) -> bool:
    """Whether a file may work out statistics of data, by its text."""
    if _HAS_FITTED.search(data) or _HAS_WRAPPER.search(data):
        return True
    return _HAS_CENTRE.search(data) is not None and _HAS_SPREAD.search(data) is not None


@dataclass(slots=True, eq=False)
class Statistic:
    """Statistics of data that a function computes and something applies."""

    function: Function
    span: Span
    kind: str
    """`computed`, `fitted` or `wrapper`."""
    keys: frozenset[tuple[str, Span]]
    """Places of the calls that compute it."""
    applied: tuple[Application, ...] = ()


def statistics(program: Program, module: Module) -> list[Statistic]:
    """The statistics that a module computes from data and that are applied, one for each function and kind."""
    known: dict[str, list[Statistic]] = program.facts.setdefault("statistics", {})
    if module.path not in known:
        known[module.path] = []
        known[module.path] = list(_find_statistics(program, module))
    return known[module.path]


def _find_statistics(program: Program, module: Module) -> Iterator[Statistic]:
    text = program.files.read(module.path)
    if _HAS_FITTED.search(text):
        yield from _fitted(program, module)
    if _HAS_WRAPPER.search(text):
        yield from _wrappers(program, module)
    if _HAS_CENTRE.search(text) and _HAS_SPREAD.search(text) and not _NOT_TRAINING.search(_file_name(module.path)):
        yield from _computed(program, module)


def _file_name(path: str) -> str:
    return path.rpartition("/")[2].removesuffix(".py")


def key_of(call: Call) -> tuple[str, Span]:
    """What tells a call in the source from all others."""
    return call.function.module.path, call.span


def _computed(program: Program, module: Module) -> Iterator[Statistic]:
    found: dict[tuple[str, Span], Call] = {}
    for function in (module.main, *module.functions):
        if not function.words.isdisjoint(CENTERS) and not function.words.isdisjoint(SPREADS):
            for call in program.run(function).calls:
                if call.function is function and measured(call) is not None and _of_inputs(program, call):
                    found[key_of(call)] = call
    if not found:
        return
    uses: dict[Function, list[tuple[Call, Application]]] = {}
    for path in neighbours(program, module.path):
        other = program.modules.get(path)
        for use in applications(program, other) if other is not None else ():
            if _NOT_INPUTS.search(_named(program, use.data)) or is_layer(program, use.function):
                continue
            centre = [c for c in use.centre.computed if key_of(c) in found and call_name(c) in CENTERS]
            spread = [c for c in use.spread.computed if key_of(c) in found and call_name(c) in SPREADS]
            if centre and spread and (use.function is not centre[0].function or arrives(program, use)):
                for call in (*centre, *spread):
                    uses.setdefault(call.function, []).append((call, use))
    for pairs in uses.values():
        first = min((call for call, _ in pairs), key=lambda c: c.span)
        # Overlapping pieces of one statement, like `max - min`, are one statistic.
        keys = frozenset(key_of(call) for call, _ in pairs)
        yield Statistic(
            found[key_of(first)].function,
            first.span,
            "computed",
            keys,
            tuple(use for _, use in pairs),
        )


def arrives(program: Program, use: Application) -> bool:
    """Whether normalized data goes on to a model, a data set or the caller, not only into a loss."""
    run = program.run(use.function)
    goals: list[Value] = [*run.heap.values()]
    if run.result is not None:
        goals.append(run.result)
    for call in run.calls:
        name = call_name(call) or ""
        if name.endswith(("Dataset", "DataLoader")) or is_model(program, call.callee):
            goals += [*call.args, *call.keywords.values()]
    for site in run.sites:
        goals += site.given.values()
    return any(inner is use.value for goal in goals for inner in walk(goal, 600))


def is_model(program: Program, callee: Value) -> bool:
    """Whether a callee is a module, by its class or its name."""
    return (
        kinds.kind(program, callee) == kinds.MODULE
        or re.search(
            r"model|net(?:work)?$|policy|actor|critic|agent|encoder|decoder",
            getattr(callee, "hint", "") or getattr(callee, "name", ""),
        )
        is not None
    )


def is_layer(program: Program, function: Function) -> bool:
    """Whether a function is part of a module's forward, whose statistics are of activations."""
    outer: Function | None = function
    while outer is not None and outer.owner is None:
        outer = outer.outer
    if outer is None or outer.owner is None:
        return False
    if program.classes.is_a(outer.owner, "LightningModule"):
        return outer.name == "forward"
    return kinds.kind(program, program.classes.this(outer.owner)) == kinds.MODULE


def _of_inputs(program: Program, call: Call) -> bool:
    function = call.function
    if is_layer(program, function) or function.name == "__getitem__" or _NOT_TRAINING.search(function.name):
        return False
    data = measured(call)
    return data is not None and not _NOT_INPUTS.search(_named(program, data)) and not _NOT_INPUTS.search(call.hint)


def _named(program: Program, data: Value, depth: int = 2) -> str:
    """The names that data goes by, nearest first."""
    words: list[str] = []
    for inner in walk(data, 14):
        if isinstance(inner, Call) and isinstance(inner.callee, (FuncVal, Imported)):
            words.append(
                getattr(inner.callee, "name", "") or getattr(getattr(inner.callee, "function", None), "name", "")
            )
        if isinstance(inner, Attr) and inner.name != "values":
            words.append(inner.name)
        if isinstance(inner, Const) and isinstance(inner.value, str):
            words.append(inner.value)
        if inner.hint:
            words.append(inner.hint)
        if isinstance(inner, Param) and depth:
            words += [_named(program, bound, depth - 1) for bound in program.callers.bindings(inner, helpers=True)[:3]]
        if len(words) > 8:
            break
    return " ".join(words)


def _fitted(program: Program, module: Module) -> Iterator[Statistic]:
    for function in (module.main, *module.functions):
        if not {"fit", "fit_transform"} & function.words or _NOT_TRAINING.search(function.name):
            continue
        run = program.run(function)
        fits = [c for c in run.calls if call_name(c) in ("fit", "fit_transform") and c.function is function]
        scalers = [c for c in fits if isinstance(c.callee, Attr) and _is_scaler(program, c.callee.base)]
        applied = any(call_name(c) == "transform" for c in run.calls) or any(
            call_name(c) == "fit_transform" for c in scalers
        )
        # A classifier that is fitted as well is the whole use of the scaled data: a probe, no training.
        if not scalers or not applied or len(scalers) < len(fits):
            continue
        made = [m for c in scalers if isinstance(c.callee, Attr) for m in origins(program, c.callee.base)]
        keys = {key_of(call) for call in (*scalers, *made) if isinstance(call, Call)}
        yield Statistic(function, scalers[0].span, "fitted", frozenset(keys))


def _is_scaler(program: Program, value: Value) -> bool:
    return any(isinstance(v, Call) and call_name(v) in SCALERS for v in origins(program, value))


def _wrappers(program: Program, module: Module) -> Iterator[Statistic]:
    for function in (module.main, *module.functions):
        if WRAPPERS.isdisjoint(function.words) or _NOT_TRAINING.search(function.name):
            continue
        run = program.run(function)
        for call in run.calls:
            if call.function is function and call_name(call) in WRAPPERS and not _off(call):
                yield Statistic(function, call.span, "wrapper", frozenset({key_of(call)}))
                break
        else:
            for site in run.sites:
                owner = site.target.function.owner
                if (
                    site.caller is function
                    and owner is not None
                    and owner.name in WRAPPERS
                    and site.target.function.name == "__init__"
                ):
                    yield Statistic(function, site.span, "wrapper", frozenset({(module.path, site.span)}))
                    break


def _off(call: Call) -> bool:
    """Whether a wrapper leaves the observations as they are."""
    for name in ("norm_obs", "ob"):
        value = call.keywords.get(name)
        if isinstance(value, Const) and value.value in (False, None):
            return True
    return False
