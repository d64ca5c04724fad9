"""Statistics of the training data: where they are computed, of those that are applied."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from convdiag_lint.project import kinds
from convdiag_lint.project.normalizing import CENTERS, SPREADS, Application, applications, arrives, measured
from convdiag_lint.project.origins import origins
from convdiag_lint.project.programs import neighbours
from convdiag_lint.project.values import Attr, Call, Const, FuncVal, Imported, Param, Value, call_name, walk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convdiag_lint.project.program import Program
    from convdiag_lint.reading.syntax import Function, Module, Span

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
