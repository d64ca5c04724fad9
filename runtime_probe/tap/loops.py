"""How often the loops around a line go round, read from their source and the variables that are in scope."""

from __future__ import annotations

import ast
import operator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from torch.utils.data import DataLoader

from runtime_probe.tap import sources
from runtime_probe.tap.loaders import length

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import FrameType

_THROUGH = frozenset(("enumerate", "tqdm", "track", "list", "iter", "reversed", "sorted"))
"""Calls that hand on each item of their first argument."""
_LARGEST = 10**8
"""More rounds than this mean: until something inside ends the loop."""
_OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Div: operator.truediv,
}


class _UnknownError(Exception):
    """What an expression gives cannot be told without running it."""


def rounds(frames: Iterable[FrameType]) -> int | None:
    """Return how often the innermost of all loops around the running lines goes round in all; None if not known."""
    product, found = 1, False
    for frame in frames:
        scope = {**frame.f_builtins, **frame.f_globals, **frame.f_locals}
        for loop in _around(frame.f_code.co_filename, frame.f_lineno):
            try:
                if isinstance(loop, ast.While):
                    return _limit(loop.test, scope)
                product *= _length(loop.iter, scope)
            except _UnknownError:
                return None
            found = True
        if frame.f_globals.get("__name__") == "__main__" and frame.f_code.co_name == "<module>":
            break  # what runs the script goes round for other reasons
    return product if found and 0 < product < _LARGEST else None


def _around(path: str, line: int) -> list[ast.For | ast.While]:
    """Loops whose body holds a line, innermost first, within the innermost function around it."""
    return _loops(path).get(line, [])


@lru_cache(maxsize=64)
def _loops(path: str) -> Mapping[int, list[ast.For | ast.While]]:
    tree = sources.parsed(path)
    if tree is None:
        return {}
    found: dict[int, list[ast.For | ast.While]] = {}

    def visit(node: ast.AST, around: list[ast.For | ast.While]) -> None:
        for child in ast.iter_child_nodes(node):
            inner = around
            if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
                inner = []
            elif isinstance(child, (ast.For, ast.While)):
                inner = [child, *around]
            if isinstance(child, ast.stmt):
                for line in range(child.lineno, (child.end_lineno or child.lineno) + 1):
                    found[line] = inner
            visit(child, inner)

    visit(tree, [])
    return found


def _limit(test: ast.expr, scope: Mapping[str, Any]) -> int:
    """`while step < limit`: what counts is counted inside, whatever else goes round."""
    if isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], (ast.Lt, ast.LtE)):
        return _whole(_value(test.comparators[0], scope))
    raise _UnknownError


def _length(node: ast.expr, scope: Mapping[str, Any]) -> int:
    if isinstance(node, ast.Call):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name in {"range", "trange"} and node.args and not any(isinstance(a, ast.Starred) for a in node.args):
            return len(range(*(_whole(_value(a, scope)) for a in node.args)))
        if name in _THROUGH and node.args:
            return _length(node.args[0], scope)
        if name in {"split", "chunk"} and isinstance(node.func, ast.Attribute) and len(node.args) == 1:
            parts = _whole(_value(node.args[0], scope))
            return parts if name == "chunk" else -(-_length(node.func.value, scope) // max(1, parts))
        if name in {"randperm", "arange"} and len(node.args) == 1:
            return _whole(_value(node.args[0], scope))
        if name == "zip" and node.args:
            return min(_length(a, scope) for a in node.args)
        raise _UnknownError
    value = _value(node, scope)
    if isinstance(value, DataLoader):
        return _whole(length(value))
    if isinstance(value, (range, list, tuple, dict)):
        return len(value)
    try:
        return _whole(len(value))  # loaders of other libraries, and progress bars around them
    except Exception as error:
        raise _UnknownError from error


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise _UnknownError
    return value


def _value(node: ast.expr, scope: Mapping[str, Any]) -> Any:
    """Evaluate names, attributes, numbers, sums and products of them, len() and int()."""
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Name) and node.id in scope:
        return scope[node.id]
    if isinstance(node, ast.Attribute):
        owner = _value(node.value, scope)
        held = owner if isinstance(owner, dict) else getattr(owner, "__dict__", {})
        if node.attr in held:  # never a property: that would run the script's code
            return held[node.attr]
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        owner = _value(node.value, scope)
        if type(owner) is dict and node.slice.value in owner:
            return owner[node.slice.value]
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        left, right = _value(node.left, scope), _value(node.right, scope)
        if isinstance(left, (int, float)) and isinstance(right, (int, float)) and right:
            return _OPERATORS[type(node.op)](left, right)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and len(node.args) == 1:
        if node.func.id == "len":
            return _length(node.args[0], scope)
        if node.func.id == "int":
            value = _value(node.args[0], scope)
            if isinstance(value, (int, float)):
                return int(value)
    raise _UnknownError
