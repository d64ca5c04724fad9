"""Tests for NaN and infinity: what a condition tests, and what its outcome ends."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from convdiag_lint.events import EventKind
from convdiag_lint.project.values import (
    Attr,
    Call,
    Choice,
    Const,
    FuncVal,
    Imported,
    Item,
    Op,
    Ref,
    Seq,
    Value,
    call_name,
    describe,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from convdiag_lint.project.interpreter import Interpreter
    from convdiag_lint.project.program import Program
    from convdiag_lint.reading.syntax import Span

_FINITE = frozenset("isnan isinf isfinite is_nan is_inf isneginf isposinf".split())
_THROUGH = frozenset(
    "any all bool item sum float tolist max count_nonzero cpu detach mean not_ logical_not logical_or".split()
)


def finite_words(words: set[str]) -> bool:
    """Whether code that uses these names tests for NaN or Inf."""
    return not _FINITE.isdisjoint(words)


def finite_tests(program: Program, test: Value, depth: int = 8) -> Iterator[Value]:
    """What a condition tests for NaN or Inf."""
    if depth <= 0:
        return
    if isinstance(test, Op):
        same = len(test.operands) == 2 and describe(test.operands[0]) == describe(test.operands[1])
        if same and test.op in ("==", "!="):
            yield test.operands[0]
            return
        if test.op in ("==", "!=", "is", "in", "<", ">", "<=", ">=") and any(_infinite(o) for o in test.operands):
            yield test.operands[0]
            return
        for operand in test.operands:
            yield from finite_tests(program, operand, depth - 1)
    elif isinstance(test, Call):
        name = call_name(test)
        if name in _FINITE:
            yield from test.args
            if isinstance(test.callee, Attr) and not test.args:
                yield test.callee.base
        elif name in _THROUGH:
            inner = (
                test.args[0] if test.args and not isinstance(test.callee, Attr) else getattr(test.callee, "base", None)
            )
            if isinstance(test.callee, Ref) and test.args:
                inner = test.args[0]
            if inner is not None:
                yield from finite_tests(program, inner, depth - 1)
        elif isinstance(test.callee, (FuncVal, Imported)):
            opened = program.opened(test)
            if opened is not test:
                yield from finite_tests(program, opened, depth - 1)
    elif isinstance(test, Seq):
        for part in test.items:
            yield from finite_tests(program, part, depth - 1)
    elif isinstance(test, Choice):
        for option in (test.test, test.then, test.other):
            if option is not None:
                yield from finite_tests(program, option, depth - 1)
    elif isinstance(test, Item):
        yield from finite_tests(program, test.base, depth - 1)


def _infinite(value: Value) -> bool:
    if isinstance(value, Const):
        return isinstance(value.value, float) and not math.isfinite(value.value)
    if isinstance(value, Ref):
        return value.name.rpartition(".")[2] in ("inf", "nan", "Inf", "NaN")
    if isinstance(value, Call) and value.args and isinstance(value.args[0], Const):
        return str(value.args[0].value).lower() in ("inf", "-inf", "nan", "infinity")
    return isinstance(value, Seq) and any(_infinite(i) for i in value.items)


def tested(interp: Interpreter, test: Value, span: Span, ended: str) -> None:
    """Note a condition that tests for NaN or Inf and does not just go on."""
    if interp.silent:
        return
    for subject in finite_tests(interp.program, test):
        interp.emit(EventKind.CHECK_FINITE, span, subject, ended=ended)


def _assert_async(interp: Interpreter, call: Call, callee: Ref) -> None:
    if call.args:
        tested(interp, call.args[0], call.span, "raise")


def _anomaly(interp: Interpreter, call: Call, callee: Ref) -> None:
    off = call.argument(0, "mode") if callee.name.endswith("set_detect_anomaly") else None
    nan = call.argument(1 if callee.name.endswith("set_detect_anomaly") else 0, "check_nan")
    if any(isinstance(v, Const) and v.value is False for v in (off, nan)):
        return
    interp.emit(EventKind.CHECK_FINITE, call.span, None, ended="raise", anomaly=callee.name.rpartition(".")[2])


FUNCTIONS: dict[str, Callable[[Interpreter, Call, Ref], None]] = {
    "_assert_async": _assert_async,
    "set_detect_anomaly": _anomaly,
    "detect_anomaly": _anomaly,
}
"""Functions of torch that test by themselves."""
