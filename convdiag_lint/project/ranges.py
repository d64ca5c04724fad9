"""Intervals of values: between which bounds a drawn time lies."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from convdiag_lint.project.asking import same_thing
from convdiag_lint.project.effects import call_name
from convdiag_lint.project.graph import default_of, through
from convdiag_lint.project.values import Attr, Call, Choice, Const, Item, Op, Param, Ref, Seq, Setting, Value, walk

if TYPE_CHECKING:
    from convdiag_lint.project.program import Program

Range = tuple[float, float]
OPEN = 1e-9
"""Distance from an end that is approached and not reached."""
UNIT_DRAWS = frozenset("rand rand_like random random_sample Beta beta".split())


def drawn(program: Program, value: Value) -> list[Call]:
    """Calls below a value that draw from an interval."""
    found = []
    for part in _below(program, value):
        if isinstance(part, Call) and draw_range(program, part) is not None:
            found.append(part)
    return found


def _below(program: Program, value: Value, limit: int = 400) -> list[Value]:
    from convdiag_lint.project.graph import deep

    return list(deep(program, [value], limit))


def draw_range(program: Program, call: Call) -> Range | None:
    """Interval of a random draw; None for anything else."""
    callee, name = call.callee, call_name(call)
    if isinstance(callee, Ref):
        root = callee.name.partition(".")[0]
        if name in ("rand", "rand_like") and root in ("torch", "np", "numpy"):
            return 0.0, 1.0
        if name in ("random", "random_sample") and root in ("np", "numpy", "random"):
            return 0.0, 1.0
        if name == "beta" and root in ("np", "numpy"):
            return 0.0, 1.0
        if name == "uniform" and root in ("np", "numpy", "random"):
            return _bounds(program, call, 0, ("low", "a"), ("high", "b"))
    if isinstance(callee, Attr):
        if name == "uniform_":
            return _bounds(program, call, 0, ("from", "a"), ("to", "b"))
        if name in ("sample", "rsample"):
            made = through(program, callee.base)
            kind = call_name(made)
            if kind == "Beta":
                return 0.0, 1.0
            if kind == "Uniform" and isinstance(made, Call):
                return _bounds(program, made, 0, ("low",), ("high",))
        if name in ("random", "uniform", "beta") and "rng" in getattr(callee.base, "hint", ""):
            return (0.0, 1.0) if name != "uniform" else _bounds(program, call, 0, ("low",), ("high",))
    return None


def _bounds(program: Program, call: Call, first: int, low: tuple[str, ...], high: tuple[str, ...]) -> Range | None:
    ends = []
    for position, (names, default) in enumerate(((low, 0.0), (high, 1.0))):
        given = next((call.keywords[n] for n in names if n in call.keywords), None)
        if given is None and first + position < len(call.args):
            given = call.args[first + position]
        if given is None:
            ends.append(default)
            continue
        known = interval(program, given)
        if known is None:
            return None
        ends.append(known[position])
    return ends[0], ends[1]


def interval(program: Program, value: Value, depth: int = 24) -> Range | None:
    """Bounds of a value, ends included; None where nothing is known of them."""
    if depth <= 0:
        return None
    value = through(program, value)
    if isinstance(value, Const):
        number = value.value
        return (float(number), float(number)) if isinstance(number, (int, float)) else None
    if isinstance(value, Op):
        return _operation(program, value, depth - 1)
    if isinstance(value, Call):
        return _call(program, value, depth - 1)
    if isinstance(value, Item):
        return interval(program, value.base, depth - 1)
    if isinstance(value, Choice):
        return _either(program, value, depth - 1)
    if isinstance(value, (Param, Setting)):
        plain = default_of(program, value)
        return interval(program, plain, depth - 1) if plain is not value else None
    if isinstance(value, Seq) and value.items:
        return _union([interval(program, i, depth - 1) for i in value.items])
    if isinstance(value, Ref) and value.name.rpartition(".")[2] == "pi":
        return math.pi, math.pi
    return None


def _union(ranges: list[Range | None]) -> Range | None:
    known = [r for r in ranges if r is not None]
    if len(known) < len(ranges) or not known:
        return None
    return min(r[0] for r in known), max(r[1] for r in known)


def _either(program: Program, value: Choice, depth: int) -> Range | None:
    """Where nothing says which of two it is: the narrower one, for then somebody thought of it."""
    first, second = interval(program, value.then, depth), interval(program, value.other, depth)
    if first is None or second is None:
        return None
    return first if first[1] - first[0] <= second[1] - second[0] else second


def _operation(program: Program, value: Op, depth: int) -> Range | None:
    known = [interval(program, operand, depth) for operand in value.operands]
    if value.op == "/" and len(value.operands) == 2:
        counted = _counted(program, value)
        if counted is not None:
            return counted
        multiplied = through(program, value.operands[0])
        if isinstance(multiplied, Op) and multiplied.op == "*":
            # Scaled up and down again by the same number, whatever it is.
            left, right = (through(program, o) for o in multiplied.operands)
            below = through(program, value.operands[1])
            for factor, rest in ((left, right), (right, left)):
                if same_thing(factor, below):
                    return interval(program, rest, depth)
    if len(known) == 1:
        only = known[0]
        if only is None:
            return None
        return (-only[1], -only[0]) if value.op == "-" else only
    if len(known) != 2 or known[0] is None or known[1] is None:
        return None
    (a, b), (c, d) = known[0], known[1]
    if value.op == "+":
        return a + c, b + d
    if value.op == "-":
        return a - d, b - c
    if value.op == "*":
        ends = [a * c, a * d, b * c, b * d]
        return min(ends), max(ends)
    if value.op == "/" and not c <= 0 <= d:
        ends = [a / c, a / d, b / c, b / d]
        return min(ends), max(ends)
    if value.op == "**" and c == d and c > 0 and a >= 0:
        return a**c, b**c
    if value.op == "%" and c == d and c > 0:
        return 0.0, c
    return None


def _counted(program: Program, value: Op) -> Range | None:
    """`randint(0, n) / n`, `arange(n) / n`, `(arange(n) + rand) / n`: a grid over the unit interval."""
    top, below = value.operands
    for part in walk(top, 40):
        if isinstance(part, Call) and call_name(part) in ("randint", "arange", "randperm"):
            args = [*part.args, *part.keywords.values()]
            if any(same_thing(a, below) for a in args[:3]):
                starts = part.args[0] if len(part.args) > 1 else Const(0)
                low = interval(program, starts, 4)
                if call_name(part) == "randint" and low is not None and low[0] > 0:
                    return OPEN, 1.0
                return 0.0, 1.0
    return None


def _call(program: Program, value: Call, depth: int) -> Range | None:
    found = draw_range(program, value)
    if found is not None:
        return found
    name = call_name(value)
    args = list(value.args)
    if isinstance(value.callee, Attr) and not isinstance(value.callee.base, Ref):
        args.insert(0, value.callee.base)
    inner = interval(program, args[0], depth) if args else None
    if name in ("clamp", "clip", "clamp_", "clip_", "clamp_min", "clamp_max", "clamp_min_", "clamp_max_"):
        return _clamped(program, value, args, inner, depth)
    if name in ("sigmoid", "sigmoid_", "expit"):
        return OPEN, 1.0 - OPEN
    if name in ("ones_like", "ones", "full_like") or name == "full":
        return (1.0, 1.0) if "ones" in str(name) else None
    if name in ("zeros_like", "zeros"):
        return 0.0, 0.0
    if name in ("randn", "randn_like", "normal", "standard_normal", "normal_"):
        return -math.inf, math.inf
    if name == "linspace":
        ends = [interval(program, a, depth) for a in args[:2]]
        return _union(ends) if len(ends) == 2 else None
    if name in ("maximum", "max") and len(args) == 2:
        other = interval(program, args[1], depth)
        return (max(inner[0], other[0]), max(inner[1], other[1])) if inner and other else None
    if name in ("minimum", "min") and len(args) == 2:
        other = interval(program, args[1], depth)
        return (min(inner[0], other[0]), min(inner[1], other[1])) if inner and other else None
    if name == "where" and len(args) == 3:
        return _union([interval(program, args[1], depth), interval(program, args[2], depth)])
    if inner is None:
        return None
    if name in ("int", "float", "round"):
        return inner
    if name == "sqrt" and inner[0] >= 0:
        return math.sqrt(inner[0]), math.sqrt(inner[1])
    if name == "square" and inner[0] >= 0:
        return inner[0] ** 2, inner[1] ** 2
    if name == "pow" and len(args) > 1 and inner[0] >= 0:
        power = interval(program, args[1], depth)
        return (inner[0] ** power[0], inner[1] ** power[0]) if power and power[0] == power[1] and power[0] > 0 else None
    if name in ("cos", "sin") and inner[0] >= 0 and inner[1] <= math.pi / 2 + 1e-6:
        first, last = (getattr(math, name)(end) for end in inner)
        return min(first, last), max(first, last)
    if name in ("mul", "mul_", "add", "add_", "sub", "sub_", "div", "div_") and len(args) > 1:
        op = {"mul": "*", "add": "+", "sub": "-", "div": "/"}[name.rstrip("_")]
        return _operation(program, Op(op, (args[0], args[1])), depth)
    if name in ("sort", "randperm", "chunk", "cat", "stack", "concatenate", "sorted", "flip"):
        return inner
    return None


def _clamped(program: Program, call: Call, args: list[Value], inner: Range | None, depth: int) -> Range | None:
    name = str(call_name(call))
    low = (
        call.keywords.get("min")
        or call.keywords.get("a_min")
        or (args[1] if len(args) > 1 and "max" not in name else None)
    )
    high = call.keywords.get("max") or call.keywords.get("a_max") or (args[2] if len(args) > 2 else None)
    if "max" in name and len(args) > 1:
        high = args[1]
    start, end = inner if inner is not None else (-math.inf, math.inf)
    for given, is_low in ((low, True), (high, False)):
        if given is None or (isinstance(given, Const) and given.value is None):
            continue
        bound = interval(program, given, depth)
        if bound is None:
            return None
        if is_low:
            start, end = max(start, bound[0]), max(end, bound[0])
        else:
            start, end = min(start, bound[1]), min(end, bound[1])
    return start, end
