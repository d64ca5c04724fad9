"""Expressions to values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from convdiag_lint.project.values import (
    Attr,
    Choice,
    ClassVal,
    Const,
    Elem,
    Env,
    FuncVal,
    Item,
    Map,
    ModuleVal,
    Obj,
    Op,
    Ref,
    Seq,
    SuperVal,
    Value,
)
from convdiag_lint.reading import syntax

if TYPE_CHECKING:
    from collections.abc import Callable

    from convdiag_lint.project.interpreter import Interpreter

_FOLD: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "//": lambda a, b: a // b,
    "%": lambda a, b: a % b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "is": lambda a, b: a is b,
    "is not": lambda a, b: a is not b,
}
_KNOWN_THINGS = (Obj, FuncVal, ClassVal, Seq, Map, Ref, ModuleVal)
_PLAIN = (int, float, str, bool, type(None))


def evaluate(interp: Interpreter, expr: syntax.Expr) -> Value:
    """Value of an expression in the interpreter's present state."""
    return _HANDLERS[expr.__class__](interp, expr)


def optional(interp: Interpreter, expr: syntax.Expr | None) -> Value:
    """Value of an expression that may be left out."""
    return Const(None) if expr is None else evaluate(interp, expr)


def truth(value: Value, depth: int = 6) -> bool | None:
    """Whether a value is true, where literals alone decide it."""
    if isinstance(value, Const) and isinstance(value.value, _PLAIN):
        return bool(value.value)
    if isinstance(value, (FuncVal, ClassVal)):
        return True
    if isinstance(value, Op) and depth > 0:
        known = [truth(operand, depth - 1) for operand in value.operands]
        if value.op == "not":
            return None if known[0] is None else not known[0]
        if value.op == "and":
            return False if False in known else (True if all(known) else None)
        if value.op == "or":
            return True if True in known else (None if None in known else False)
    return None


def binary(op: str, left: Value, right: Value) -> Value:
    """Result of an operator, folded where both sides are plain literals."""
    if isinstance(left, Const) and isinstance(right, Const) and op in _FOLD:
        a, b = left.value, right.value
        if isinstance(a, _PLAIN) and isinstance(b, _PLAIN):
            try:
                return Const(_FOLD[op](a, b))
            except (TypeError, ArithmeticError, ValueError):
                return Op(op, (left, right))
    if op in ("is", "is not", "==", "!=") and isinstance(right, Const) and right.value is None:
        if isinstance(left, _KNOWN_THINGS):
            return Const(op in ("is not", "!="))
    if op in ("==", "!=") and isinstance(right, Const) and isinstance(left, (FuncVal, ClassVal)):
        return Const(op == "!=")
    if op == "+" and isinstance(left, Seq) and isinstance(right, Seq):
        return Seq(left.kind, left.items + right.items)
    return Op(op, (left, right))


def item(base: Value, index: Value) -> Value:
    """`base[index]`."""
    if isinstance(base, Seq) and isinstance(index, Const) and isinstance(index.value, int):
        if base.kind != "each" and not any(isinstance(i, Op) and i.op == "*" for i in base.items):
            if -len(base.items) <= index.value < len(base.items):
                return base.items[index.value]
        elif base.kind == "each":
            return base.items[0]
    if isinstance(base, Map) and isinstance(index, Const):
        for key, value in reversed(base.items):
            if isinstance(key, Const) and key.value == index.value:
                return value
    if isinstance(base, Choice):
        place: object = (
            "[]",
            index.value if isinstance(index, Const) and isinstance(index.value, _PLAIN) else id(index),
        )
        if place not in base.derived:
            base.derived[place] = Item(base, index)
            base.derived[place] = Choice(base.test, item(base.then, index), item(base.other, index))
        return base.derived[place]
    return Item(base, index)


def element(iterable: Value) -> Value:
    """One element of an iterable."""
    from convdiag_lint.project.values import Call

    if isinstance(iterable, Seq):
        if iterable.kind == "each" or len(iterable.items) == 1:
            return iterable.items[0] if iterable.items else Elem(iterable)
        return Elem(iterable)
    if isinstance(iterable, Map):
        return Elem(Seq("list", tuple(k for k, _ in iterable.items if k is not None)))
    if isinstance(iterable, Call):
        callee = iterable.callee
        if isinstance(callee, Ref) and iterable.args:
            if callee.name == "enumerate":
                return Seq("tuple", (Value("index"), element(iterable.args[0])))
            if callee.name == "zip":
                return Seq("tuple", tuple(element(a) for a in iterable.args))
            if callee.name in ("tqdm.tqdm", "tqdm.auto.tqdm", "tqdm.notebook.tqdm", "tqdm.trange", "iter",
                               "list", "tuple", "reversed", "sorted", "set", "rich.progress.track"):  # fmt: skip
                return element(iterable.args[0])
        if isinstance(callee, Attr):
            if callee.name == "items":
                base = callee.base
                pair = (Value("key"), element(values_of(base)))
                return Seq("tuple", pair)
            if callee.name == "values":
                return element(values_of(callee.base))
    return Elem(iterable)


def values_of(base: Value) -> Value:
    """The values of a mapping, as an iterable."""
    if isinstance(base, Map):
        return Seq("list", tuple(value for _, value in base.items))
    return base


def _name(interp: Interpreter, expr: syntax.Name) -> Value:
    return interp.lookup(expr.id)


def _literal(interp: Interpreter, expr: syntax.Literal) -> Value:
    return Const(expr.value)


def _attribute(interp: Interpreter, expr: syntax.Attribute) -> Value:
    return interp.attribute(evaluate(interp, expr.base), expr.name)


def _call(interp: Interpreter, expr: syntax.Call) -> Value:
    func = expr.func
    if isinstance(func, syntax.Name) and func.id == "super":
        return _super(interp, expr)
    if isinstance(func, syntax.Attribute):
        base = evaluate(interp, func.base)
        callee = interp.attribute(base, func.name)
    else:
        callee = evaluate(interp, func)
    args: list[Value] = []
    for argument in expr.args:
        value = evaluate(interp, argument)
        if isinstance(value, Op) and value.op == "*" and len(value.operands) == 1:
            inner = value.operands[0]
            if isinstance(inner, Seq) and inner.kind != "each":
                args.extend(inner.items)
                continue
        args.append(value)
    keywords: dict[str, Value] = {}
    for name, argument in expr.keywords:
        value = evaluate(interp, argument)
        if name is not None:
            keywords[name] = value
        elif isinstance(value, Map):
            for key, inner in value.items:
                keywords[str(key.value) if isinstance(key, Const) else "**"] = inner
        else:
            keywords["**"] = value
    return interp.call(callee, tuple(args), keywords, expr.span)


def _super(interp: Interpreter, expr: syntax.Call) -> Value:
    function: syntax.Function | None = interp.env.function
    while function is not None and function.owner is None:
        function = function.outer
    if function is None or function.owner is None or not function.parameters:
        return Value("super")
    this = interp.lookup(function.parameters[0].name)
    return SuperVal(function.owner, this)


def _operation(interp: Interpreter, expr: syntax.Operation) -> Value:
    values = [evaluate(interp, operand) for operand in expr.operands]
    if len(values) == 1:
        return Op(expr.op, (values[0],))
    return binary(expr.op, values[0], values[1])


def _logic(interp: Interpreter, expr: syntax.Logic) -> Value:
    values = [evaluate(interp, operand) for operand in expr.operands]
    if expr.op == "not":
        known = truth(values[0])
        return Op("not", (values[0],)) if known is None else Const(not known)
    left, right = values
    known = truth(left)
    if known is not None:
        return left if known == (expr.op == "or") else right
    return Op(expr.op, (left, right))


def _comparison(interp: Interpreter, expr: syntax.Comparison) -> Value:
    values = [evaluate(interp, operand) for operand in expr.operands]
    if len(values) == 2:
        return binary(expr.ops[0], values[0], values[1])
    tests = [binary(op, values[i], values[i + 1]) for i, op in enumerate(expr.ops)]
    return Op("and", tuple(tests))


def _subscript(interp: Interpreter, expr: syntax.Subscript) -> Value:
    base = evaluate(interp, expr.base)
    index = evaluate(interp, expr.index)
    if isinstance(index, Const):
        stored = interp.stored(base, index)
        if stored is not None:
            return stored
    return item(base, index)


def _slice(interp: Interpreter, expr: syntax.Slice) -> Value:
    return Op("slice", tuple(optional(interp, part) for part in (expr.lower, expr.upper, expr.step)))


def _sequence(interp: Interpreter, expr: syntax.Sequence) -> Value:
    return Seq(expr.kind, tuple(evaluate(interp, i) for i in expr.items))


def _mapping(interp: Interpreter, expr: syntax.Mapping) -> Value:
    return Map(tuple((None if key is None else evaluate(interp, key), evaluate(interp, v)) for key, v in expr.items))


def _conditional(interp: Interpreter, expr: syntax.Conditional) -> Value:
    test = evaluate(interp, expr.test)
    known = truth(test)
    if known is not None:
        return evaluate(interp, expr.then if known else expr.other)
    mark = interp.enter(test, True)
    then = evaluate(interp, expr.then)
    interp.leave(mark)
    mark = interp.enter(test, False)
    other = evaluate(interp, expr.other)
    interp.leave(mark)
    return Choice(test, then, other)


def _lambda(interp: Interpreter, expr: syntax.Lambda) -> Value:
    return FuncVal(expr.function, interp.env)


def _comprehension(interp: Interpreter, expr: syntax.Comprehension) -> Value:
    inner = Env(interp.env.function, interp.env)
    outer, interp.env = interp.env, inner
    interp.push_loop()
    for target, iterable, tests in expr.clauses:
        interp.bind(target, element(evaluate(interp, iterable)))
        for test in tests:
            evaluate(interp, test)
    value = evaluate(interp, expr.item)
    interp.pop_loop()
    interp.env = outer
    return Seq("each", (value,), lazy=expr.kind == "GeneratorExp")


def _starred(interp: Interpreter, expr: syntax.Starred) -> Value:
    return Op("*", (evaluate(interp, expr.value),))


def _format(interp: Interpreter, expr: syntax.Format) -> Value:
    return Op("format", tuple(evaluate(interp, part) for part in expr.parts))


def _suspend(interp: Interpreter, expr: syntax.Suspend) -> Value:
    value = optional(interp, expr.value)
    if expr.kind == "yield":
        interp.yielded(value)
        return Value()
    return value


def _walrus(interp: Interpreter, expr: syntax.Walrus) -> Value:
    value = evaluate(interp, expr.value)
    interp.bind(expr.target, value)
    return value


_HANDLERS: dict[type, Callable[[Any, Any], Value]] = {
    syntax.Name: _name,
    syntax.Literal: _literal,
    syntax.Attribute: _attribute,
    syntax.Call: _call,
    syntax.Operation: _operation,
    syntax.Logic: _logic,
    syntax.Comparison: _comparison,
    syntax.Subscript: _subscript,
    syntax.Slice: _slice,
    syntax.Sequence: _sequence,
    syntax.Mapping: _mapping,
    syntax.Conditional: _conditional,
    syntax.Lambda: _lambda,
    syntax.Comprehension: _comprehension,
    syntax.Starred: _starred,
    syntax.Format: _format,
    syntax.Suspend: _suspend,
    syntax.Walrus: _walrus,
}
