"""What a sampler that the script has written takes the model's answer for: noise, or a velocity.

Read in the source: a loop that gives a model what it then changes. `noise = model(x, t)` says it by name,
`x = x + model(x, t) * dt` by what is done.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

from runtime_probe.record import Sampler, Where

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_MOST_FILES, _LARGEST = 50, 500_000
"""Files of the script, and bytes of one, that are read."""
_NOISE = re.compile(r"(^|_)(noise|eps|epsilon)(_|$)")
_NO_MODELS = frozenset(("torch", "np", "numpy", "math", "F", "nn"))


def written(paths: Iterable[str]) -> list[Sampler]:
    """Return what each loop that samples takes a model's answer for."""
    found: list[Sampler] = []
    for path in list(paths)[:_MOST_FILES]:
        try:
            source = Path(path).read_bytes()
            tree = ast.parse(source) if len(source) < _LARGEST else None
        except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        nodes = list(ast.walk(tree)) if tree is not None else []
        functions = {node.name for node in nodes if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))}
        for loop in nodes:
            if isinstance(loop, (ast.For, ast.While)):
                found += [Sampler(kind, Where(path, line)) for kind, line in _taken_for(loop, functions)]
    return found


def _taken_for(loop: ast.For | ast.While, functions: set[str]) -> Iterator[tuple[str, int]]:
    """Yield what answers are taken for, and the line.

    Functions of the file are no models: they may turn one thing into the other.
    """
    changed = {name for node in loop.body for name in _changed(node)}
    answers: set[str] = set()
    for node in ast.walk(loop):
        if not isinstance(node, ast.Assign) or len(node.targets) != 1 or not isinstance(node.targets[0], ast.Name):
            continue
        name = node.targets[0].id
        if isinstance(node.value, ast.Call) and _asks(node.value, changed - {name}, functions):
            answers.add(name)
            if _NOISE.search(name.lower()):
                yield "noise", node.lineno
    for node in ast.walk(loop):
        added = _added(node)
        if added is None:
            continue
        name, value, line = added
        factors = list(_factors(value))
        asked = any(isinstance(factor, ast.Call) and _asks(factor, {name}, functions) for factor in factors)
        named = {factor.id for factor in factors if isinstance(factor, ast.Name)} & answers
        if len(factors) > 1 and (asked or named) and not any(_NOISE.search(one.lower()) for one in named):
            yield "velocity", line


def _changed(statement: ast.stmt) -> Iterator[str]:
    for node in ast.walk(statement):
        if isinstance(node, (ast.Assign, ast.AugAssign)):
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                if isinstance(target, ast.Name):
                    yield target.id


def _factors(value: ast.expr) -> Iterator[ast.expr]:
    """What is multiplied and divided. A clean sample is not: `x += (x1 - x) * dt / (1 - t)` goes towards it."""
    if isinstance(value, ast.BinOp) and isinstance(value.op, (ast.Mult, ast.Div)):
        yield from _factors(value.left)
        yield from _factors(value.right)
    else:
        yield value


def _asks(call: ast.Call, changed: set[str], functions: set[str]) -> bool:
    """Whether a call, of no function of a library or of the file, is given one of some names and something else."""
    function = call.func
    if isinstance(function, ast.Attribute) and function.attr in functions:
        return False
    while isinstance(function, ast.Attribute):
        function = function.value
    library = isinstance(function, ast.Name) and function.id in _NO_MODELS | functions
    given = {arg.id for arg in (*call.args, *(k.value for k in call.keywords)) if isinstance(arg, ast.Name)}
    return not library and len(call.args) + len(call.keywords) > 1 and bool(given & changed)


def _added(node: ast.AST) -> tuple[str, ast.expr, int] | None:
    """What is added to what name, and the line: `x += step`, `x = x + step`."""
    if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add) and isinstance(node.target, ast.Name):
        return node.target.id, node.value, node.lineno
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.BinOp) and isinstance(node.value.op, ast.Add):
        target, left = node.targets[0], node.value.left
        if isinstance(target, ast.Name) and isinstance(left, ast.Name) and target.id == left.id:
            return target.id, node.value.right, node.lineno
    return None
