"""Flow matching in a run: interpolations between noise and data whose target is their velocity."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

from convdiag_lint.project.asking import same_thing
from convdiag_lint.project.graph import nodes, through
from convdiag_lint.project.ranges import draw_range, drawn, interval
from convdiag_lint.project.values import (
    Attr,
    Call,
    Choice,
    Const,
    Item,
    Obj,
    Op,
    Param,
    Ref,
    Setting,
    Value,
    call_name,
    walk,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convdiag_lint.project.program import Program
    from convdiag_lint.project.run import Run

_ARITHMETIC = {"mul": "*", "add": "+", "sub": "-", "div": "/"}


@dataclass(frozen=True, slots=True, eq=False)
class Term:
    """A summand: its sign, its factors."""

    sign: int
    factors: tuple[Value, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Interpolation:
    """`(1 - t) * start + t * end`: the weight of `end`, and the draws in it."""

    start: Value
    end: Value
    weight: Value
    draws: tuple[Call, ...]
    value: Value
    """The interpolation itself."""
    difference: Value | None = None
    """`end - start` where the interpolation itself is written with it."""
    packaged: bool = False
    """Whether a package's path made it, and its velocity with it."""


def terms(program: Program, value: Value, sign: int = 1, depth: int = 8, whole: tuple[Value, ...] = ()) -> list[Term]:
    """A value as a sum of products; what is among `whole` is not taken apart."""
    value = through(program, value)
    if depth > 0 and not any(value is part for part in whole):
        op, operands = _operator(value)
        if op in ("+", "-") and len(operands) == 2:
            other = sign if op == "+" else -sign
            return terms(program, operands[0], sign, depth - 1, whole) + terms(
                program, operands[1], other, depth - 1, whole
            )
        if op == "-" and len(operands) == 1:
            return terms(program, operands[0], -sign, depth - 1, whole)
        if op in ("*", "/"):
            return [_product(program, value, sign)]
    return [Term(sign, (value,))]


def _operator(value: Value) -> tuple[str, tuple[Value, ...]]:
    if isinstance(value, Op):
        return value.op, value.operands
    if isinstance(value, Call) and isinstance(value.callee, (Attr, Ref)):
        name = (call_name(value) or "").rstrip("_")
        if name in _ARITHMETIC:
            operands = (value.callee.base, *value.args) if isinstance(value.callee, Attr) else value.args
            if len(operands) == 2:
                return _ARITHMETIC[name], operands
    return "", ()


def _product(program: Program, value: Value, sign: int) -> Term:
    factors: list[Value] = []
    stack = [value]
    value = through(program, value)
    while stack:
        part = through(program, stack.pop())
        op, operands = _operator(part)
        if op == "*" and (part is value or _mixed(program, part, operands)):
            stack.extend(operands)
        elif op == "-" and len(operands) == 1:
            sign = -sign
            stack.append(operands[0])
        elif op == "/" and len(operands) == 2 and not _unit(program, operands[0]) and not _timed(program, part):
            stack.append(operands[0])
            factors.append(_inverse(program, operands[1]))
        elif _unit(program, part):
            continue
        elif isinstance(part, Const) and isinstance(part.value, (int, float)) and part.value < 0:
            sign = -sign
            stack.append(Const(-part.value))
        else:
            factors.append(part)
    return Term(sign, tuple(factors))


def _mixed(program: Program, value: Value, operands: tuple[Value, ...]) -> bool:
    """Whether a product holds more than data: a number, or a draw. Scaled data stays one factor."""
    return any(isinstance(operand, Const) for operand in operands) or bool(drawn(program, value))


def _unit(program: Program, value: Value) -> bool:
    """Whether a value is one."""
    value = through(program, value)
    if isinstance(value, Const):
        return value.value == 1
    return isinstance(value, Call) and call_name(value) in ("ones_like", "ones")


def _inverse(program: Program, value: Value) -> Value:
    """One over a value, the same object each time."""
    known: dict[int, tuple[Value, Value]] = program.facts.setdefault("inverses", {})
    return known.setdefault(id(value), (value, Op("/", (Const(1), value))))[1]


def _is_inverse(value: Value) -> bool:
    return isinstance(value, Op) and value.op == "/" and isinstance(value.operands[0], Const)


def interpolations(program: Program, found: list[Value]) -> Iterator[Interpolation]:
    """Interpolations among values whose weight holds a random draw."""
    for value in found:
        op, operands = _operator(value)
        if isinstance(value, Call) and call_name(value) == "lerp":
            args = value.args if isinstance(value.callee, Ref) else (getattr(value.callee, "base", value), *value.args)
            weight = value.keywords.get("weight") or (args[2] if len(args) > 2 else None)
            if weight is not None and len(args) > 1:
                yield from _with_draws(program, value, args[0], args[1], weight)
        elif op in ("+", "-") and len(operands) == 2:
            yield from _sum(program, value)
        elif isinstance(value, Call) and _is_path_sample(program, value):
            weight = value.keywords.get("t")
            if weight is not None:
                yield from _with_draws(
                    program, value, value.keywords["x_0"], value.keywords["x_1"], weight, packaged=True
                )


def _is_path_sample(program: Program, value: Call) -> bool:
    """`path.sample(t=..., x_0=..., x_1=...)` of the flow_matching package."""
    if call_name(value) != "sample" or not {"t", "x_0", "x_1"} <= set(value.keywords):
        return False
    made = through(program, value.callee.base) if isinstance(value.callee, Attr) else value
    return isinstance(made, Call) and isinstance(made.callee, Ref) and made.callee.name.startswith("flow_matching.path")


def _with_draws(
    program: Program,
    value: Value,
    start: Value,
    end: Value,
    weight: Value,
    difference: Value | None = None,
    packaged: bool = False,
) -> Iterator[Interpolation]:
    draws = drawn(program, weight)
    if draws and not any(_declared_number(v) or _is_number(program, v) for v in (start, end)):
        yield Interpolation(
            through(program, start), through(program, end), weight, tuple(draws), value, difference, packaged
        )


_NUMBER_FUNCTIONS = frozenset("min max float int abs round sum".split())


def _declared_number(value: Value, depth: int = 8) -> bool:
    """Whether a value is a number worked out from settings: the bound of a time, and not data."""
    if isinstance(value, (Const, Setting)):
        return True
    if isinstance(value, Param):
        return getattr(value.parameter.annotation, "id", "") in ("float", "int") or isinstance(value.default, Const)
    if isinstance(value, Op) and depth > 0:
        return all(_declared_number(operand, depth - 1) for operand in value.operands)
    if isinstance(value, Call) and isinstance(value.callee, Ref):
        if value.callee.name.startswith("math."):
            return True
        return value.callee.name in _NUMBER_FUNCTIONS and all(_declared_number(a, depth - 1) for a in value.args)
    if isinstance(value, Attr):
        base = value.base
        if isinstance(base, Obj):
            return base.cls.name.endswith(("Config", "Args", "Arguments", "Settings", "Cfg", "Params"))
        return (base.name if isinstance(base, Attr) else base.hint) in ("config", "cfg", "args", "hparams")
    return False


def _sum(program: Program, value: Value) -> Iterator[Interpolation]:
    summed = terms(program, value)
    if not 2 <= len(summed) <= 4:
        return
    weighed: list[tuple[Value, Value]] = []
    plain: list[Value] = []
    for term in summed:
        timed = [f for f in term.factors if _timed(program, f)]
        scalars = [f for f in term.factors if f not in timed and _is_number(program, f)]
        rest = [f for f in term.factors if f not in timed and f not in scalars]
        under = [f for f in rest if _is_inverse(f) and _scalar(program, f)] if len(rest) > 1 else []
        rest = [f for f in rest if f not in under]
        if len(timed) == 1 and len(rest) == 1:
            weight = reduce(lambda a, b: Op("*", (a, b)), [*timed, *scalars])
            weighed.append((reduce(lambda a, b: Op("/", (a, b.parts()[1])), under, weight), rest[0]))
        elif not timed and len(rest) == 1 and len(term.factors) == 1:
            plain.append(rest[0])
    for weight, base in weighed:
        # The other spelling: the start, and a weight times the difference of the ends.
        difference = terms(program, base)
        if len(difference) == 2 and plain:
            positive = [t.factors[-1] for t in difference if t.sign > 0]
            negative = [t.factors[-1] for t in difference if t.sign < 0]
            if positive and negative and any(_same(p, n) for p in plain for n in negative):
                yield from _with_draws(program, value, negative[0], positive[0], weight, base)
    for i, (first, start) in enumerate(weighed):
        for second, end in weighed[i + 1 :]:
            if _same(start, end):
                continue
            if _complement(program, first, second):
                yield from _with_draws(program, value, start, end, second)
            elif _complement(program, second, first):
                yield from _with_draws(program, value, end, start, first)


def _is_number(program: Program, factor: Value) -> bool:
    bounds = interval(program, factor)
    return bounds is not None and bounds[0] == bounds[1]


def _same(first: Value, second: Value) -> bool:
    return first is second or same_thing(first, second)


def _timed(program: Program, factor: Value) -> bool:
    """Whether a factor is a scalar function of a draw, and not data that a draw was mixed into."""
    return _scalar(program, factor) and bool(drawn(program, factor))


_FUNCTIONS = frozenset(
    "int float len size min max amax clamp clamp_ clip sigmoid sqrt cos sin tan pow exp log square where"
    " minimum maximum sort stack cat randn normal lerp floor ceil less greater lt gt le ge abs ones_like"
    " full_like linspace arange randint sample rsample rand rand_like uniform uniform_ random beta".split()
)


def _scalar(program: Program, value: Value, depth: int = 40) -> bool:
    """Whether a value is worked out from draws, constants and settings by arithmetic alone."""
    known: dict[int, bool] = program.facts.setdefault("scalars", {})
    if depth <= 0:
        program.touched += 1
        return False
    return program.remember(known, value, lambda: _arithmetic(program, value, depth - 1), False)


def _arithmetic(program: Program, value: Value, depth: int) -> bool:
    opened = through(program, value)
    if opened is not value:
        return _scalar(program, opened, depth)
    if isinstance(value, Op):
        return all(_scalar(program, operand, depth) for operand in value.operands)
    if isinstance(value, Choice):
        return _scalar(program, value.then, depth) and _scalar(program, value.other, depth)
    if isinstance(value, Item):
        return _scalar(program, value.base, depth)
    if isinstance(value, Call):
        if draw_range(program, value) is not None:
            return True
        if call_name(value) not in _FUNCTIONS:
            return False
        base = [value.callee.base] if isinstance(value.callee, Attr) and not isinstance(value.callee.base, Ref) else []
        return all(_scalar(program, part, depth) for part in (*base, *value.args))
    return True


def _complement(program: Program, first: Value, second: Value) -> bool:
    """Whether `first` is one minus something that `second` is, up to a constant near one."""
    for term in terms(program, first):
        if term.sign < 0:
            rest = [f for f in term.factors if not isinstance(f, Const)]
            for factor in rest:
                if _same(factor, second) or any(part is second for part in walk(factor, 20)):
                    return True
                shared = {id(d) for d in drawn(program, factor)} & {id(d) for d in drawn(program, second)}
                if shared:
                    return True
    return False


def velocity(program: Program, found: list[Value], flow: Interpolation) -> bool:
    """Whether some value is the difference of the two ends: the velocity that is regressed."""
    whole = (flow.start, flow.end)
    for value in found:
        op, operands = _operator(value)
        if op == "/" and len(operands) == 2 and _rest_of_the_way(program, operands, flow):
            return True
        if op not in ("-", "+") or len(operands) != 2:
            continue
        summed = terms(program, value, whole=whole)
        if not 2 <= len(summed) <= 3:
            continue
        signs = {}
        for term in summed:
            for factor in term.factors:
                if _same(factor, flow.start) and not _draws_in(program, term, flow):
                    signs["start"] = term.sign
                if _same(factor, flow.end) and not _draws_in(program, term, flow):
                    signs["end"] = term.sign
        if len(signs) == 2 and signs["start"] != signs["end"]:
            if value is not flow.difference or _used_again(program, value, found):
                return True
    return False


def _rest_of_the_way(program: Program, operands: tuple[Value, ...], flow: Interpolation) -> bool:
    """Whether a quotient is `(end - x_t) / (1 - t)` or `(x_t - start) / t`: the velocity by another name."""
    middle = through(program, flow.value)
    summed = terms(program, operands[0], whole=(flow.start, flow.end, middle))
    if len(summed) != 2 or summed[0].sign == summed[1].sign or not drawn(program, operands[1]):
        return False
    ends = [term.factors[0] for term in summed if len(term.factors) == 1]
    return (
        len(ends) == 2
        and any(_may_be(program, end, middle) for end in ends)
        and any(_same(end, other) for end in ends for other in (flow.start, flow.end))
    )


def _may_be(program: Program, value: Value, other: Value) -> bool:
    """Whether a value is another, or one of several of which that is one."""
    value = through(program, value)
    if isinstance(value, Choice):
        return _may_be(program, value.then, other) or _may_be(program, value.other, other)
    return _same(value, other)


def _used_again(program: Program, difference: Value, found: list[Value]) -> bool:
    """Whether a difference is used for more than the interpolation that it is a factor of."""
    views = {id(value) for value in found if value is difference or through(program, value) is difference}
    return any(
        id(value) not in views and _operator(value)[0] != "*" and any(id(part) in views for part in value.parts())
        for value in found
    )


def _draws_in(program: Program, term: Term, flow: Interpolation) -> bool:
    """Whether a summand's weight depends on the draw: a velocity's weights are constants."""
    return any(
        drawn(program, factor) for factor in term.factors if not (_same(factor, flow.start) or _same(factor, flow.end))
    )


def flows(program: Program, run: Run) -> list[Interpolation]:
    """Interpolations of a run whose velocity stands beside them."""
    found = list(nodes(program, run))
    result = []
    for flow in interpolations(program, found):
        if flow.packaged or velocity(program, found, flow):
            result.append(flow)
    return result
