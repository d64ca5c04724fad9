"""Intervals of values: between which bounds a drawn time lies."""

from __future__ import annotations

import math
import re
from functools import reduce
from typing import TYPE_CHECKING

from convdiag_lint.project.asking import same_thing
from convdiag_lint.project.deciding import default_of
from convdiag_lint.project.graph import through
from convdiag_lint.project.values import (
    Attr,
    Call,
    Choice,
    Const,
    Item,
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
    from convdiag_lint.project.program import Program

Range = tuple[float, float]
OPEN = 1e-9
"""Distance from an end that is approached and not reached."""
_GENERATORS = frozenset("default_rng RandomState Generator Random SystemRandom".split())
_NORMALS = frozenset("randn randn_like normal standard_normal normal_".split())
_CLAMPS = frozenset("clamp clip clamp_ clip_".split())
_STEPS = frozenset("randint randint_like randperm integers randrange multinomial choice".split())


def drawn(program: Program, value: Value) -> list[Call]:
    """Calls below a value that draw from an interval, or pick one of its points."""
    found: list[Call] = []
    for part in _below(program, value):
        draw: Value | None = None
        if isinstance(part, Call) and draw_range(program, part) is not None:
            draw = part
        elif isinstance(part, Op) and part.op == "/" and len(part.operands) == 2:
            draw = _stepped(part.operands[0]) if _counted(program, part) is not None else None
        elif isinstance(part, Item) and call_name(through(program, part.base)) == "linspace":
            draw = _stepped(part.index)
        if isinstance(draw, Call) and draw not in found:
            found.append(draw)
    return found


def _stepped(value: Value) -> Call | None:
    """The draw of a whole number that a value is made from."""
    return next((p for p in walk(value, 40) if isinstance(p, Call) and call_name(p) in _STEPS), None)


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
        if name in ("random", "random_sample", "betavariate") and root in ("np", "numpy", "random"):
            return 0.0, 1.0
        if name == "beta" and root in ("np", "numpy", "jax"):
            return 0.0, 1.0
        if name == "uniform" and root in ("np", "numpy", "random"):
            return _bounds(program, call, 0, ("low", "a"), ("high", "b"))
        if name == "uniform" and root == "jax":
            return _bounds(program, call, 3, ("minval",), ("maxval",))
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
        if name in ("random", "uniform", "beta", "rand", "random_sample") and _is_generator(program, callee.base):
            return (0.0, 1.0) if name != "uniform" else _bounds(program, call, 0, ("low", "a"), ("high", "b"))
    if name in _CLAMPS:
        return _clamped_normal(program, call)
    return None


def _is_generator(program: Program, base: Value) -> bool:
    """Whether a value is numpy's or Python's random generator; where its making is not seen, by its name."""
    made = through(program, base)
    if call_name(made) in _GENERATORS:
        return True
    return isinstance(made, (Param, Attr)) and re.search(r"(?:^|_)rng(?:_|$)", made.hint or base.hint) is not None


def _clamped_normal(program: Program, call: Call) -> Range | None:
    """Bounds of a normal that is clamped: unlike a squashed one, it stands on them with some probability."""
    args = _given(call)
    inner = through(program, args[0]) if args else None
    if not isinstance(inner, Call) or call_name(inner) not in _NORMALS:
        return None
    bounds = _clamped(program, call, args, (-math.inf, math.inf), 4)
    return bounds if bounds is not None and math.isfinite(bounds[1] - bounds[0]) else None


def _given(call: Call) -> list[Value]:
    """Arguments of a function or method, the object of the method first."""
    args = list(call.args)
    if isinstance(call.callee, Attr) and not isinstance(call.callee.base, Ref):
        args.insert(0, call.callee.base)
    return args


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
        known, unknown = (first, value.other) if second is None else (second, value.then)
        # A time that a caller may hand over is drawn if none does; and of the bodies of an abstract
        # method, those that can be read speak.
        unread = value.test is not None and value.test.hint.startswith("which ")
        return known if unread or _left_out(unknown) else None
    return first if first[1] - first[0] <= second[1] - second[0] else second


def _left_out(value: Value) -> bool:
    """Whether a value is a parameter that need not be given."""
    return isinstance(value, Param) and isinstance(value.default, Const) and value.default.value is None


def _operation(program: Program, value: Op, depth: int) -> Range | None:
    known = [interval(program, operand, depth) for operand in value.operands]
    if value.op == "/" and len(value.operands) == 2:
        counted = _counted(program, value)
        if counted is not None:
            return counted
        top, below = (through(program, operand) for operand in value.operands)
        if isinstance(top, Choice) and isinstance(below, Choice) and top.test is not None and top.test is below.test:
            # Two calls of one abstract method: by the same body both times.
            pairs = (Op("/", (top.then, below.then)), Op("/", (top.other, below.other)))
            return _either(program, Choice(top.test, *pairs), depth)
        reduced = _reduced(program, value)
        if reduced is not None:
            return interval(program, reduced, depth)
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
        return (min(ends), max(ends)) if not any(math.isnan(end) for end in ends) else None
    if value.op == "/" and not c <= 0 <= d:
        ends = [a / c, a / d, b / c, b / d]
        return (min(ends), max(ends)) if not any(math.isnan(end) for end in ends) else None
    if value.op == "**" and c == d and c > 0 and a >= 0:
        return a**c, b**c
    if value.op == "%" and c == d and c > 0:
        return 0.0, c
    return None


def _reduced(program: Program, value: Op) -> Value | None:
    """A fraction without the factors that stand above and below the line; None if there are none."""
    above, below = (_factors(program, operand) for operand in value.operands)
    kept = list(above)
    rest = []
    for factor in below:
        shared = next((other for other in kept if same_thing(factor, other)), None)
        if shared is None:
            rest.append(factor)
        else:
            kept.remove(shared)
    if len(kept) == len(above):
        return None
    top = reduce(lambda a, b: Op("*", (a, b)), kept) if kept else Const(1)
    return Op("/", (top, reduce(lambda a, b: Op("*", (a, b)), rest))) if rest else top


def _factors(program: Program, value: Value) -> list[Value]:
    value = through(program, value)
    if isinstance(value, Op) and value.op == "*" and len(value.operands) == 2:
        return [factor for operand in value.operands for factor in _factors(program, operand)]
    return [] if isinstance(value, Const) and value.value == 1 else [value]


def _counted(program: Program, value: Op) -> Range | None:
    """`randint(0, n) / n`, `arange(n) / n`, `(arange(n) + rand) / n`: a grid over the unit interval."""
    top, below = value.operands
    for part in walk(top, 40):
        if isinstance(part, Call) and call_name(part) in ("randint", "arange", "randperm", "integers", "randrange"):
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
    args = _given(value)
    if args and isinstance(args[0], Const) and isinstance(args[0].value, str):
        # einx and its like: the pattern of the axes comes first.
        del args[0]
    inner = interval(program, args[0], depth) if args else None
    if name in _CLAMPS or name in ("clamp_min", "clamp_max", "clamp_min_", "clamp_max_"):
        return _clamped(program, value, args, inner, depth)
    if name in ("sigmoid", "sigmoid_", "expit"):
        return OPEN, 1.0 - OPEN
    if name in ("ones_like", "ones", "full_like") or name == "full":
        return (1.0, 1.0) if "ones" in str(name) else None
    if name in ("zeros_like", "zeros"):
        return 0.0, 0.0
    if name in _NORMALS:
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
    if name in ("abs", "absolute", "fabs"):
        far = max(abs(inner[0]), abs(inner[1]))
        return (0.0 if inner[0] <= 0 <= inner[1] else min(abs(inner[0]), abs(inner[1]))), far
    if name == "floor":
        return math.floor(inner[0]), math.floor(inner[1])
    if name == "exp" and inner[1] < 700:
        return math.exp(inner[0]), math.exp(inner[1])
    if name == "tan" and inner[0] >= 0 and inner[1] <= math.pi / 2 + 1e-6:
        return math.tan(inner[0]), math.inf if inner[1] > math.pi / 2 - 1e-6 else math.tan(inner[1])
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
