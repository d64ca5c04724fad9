"""What keeps the best weights of a run, or ends it: which number it looks at, and whether more of it is better."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

from runtime_probe.record import Keeper
from runtime_probe.tap import sources

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runtime_probe.tap.living import Living

_BEST = "best"
_NUMBER = re.compile(r"-?[0-9.e+-]+")
_INFINITE = re.compile(r"(-)?(?:(?:math|np|numpy|torch)\.inf|float\('(-)?\+?inf(?:inity)?'\))", re.IGNORECASE)
_GREATER, _LESS = (ast.Gt, ast.GtE), (ast.Lt, ast.LtE)


def among(living: Living) -> list[Keeper]:
    """Return the callbacks of Lightning that look at a number, and what transformers was told to look at."""
    kept = []
    for name in ("ModelCheckpoint", "EarlyStopping"):
        callbacks = [held for held in map(vars, living[name]) if isinstance(held.get("monitor"), str)]
        kept += [Keeper(name, held["monitor"], more=held.get("mode") == "max") for held in callbacks]
    for held in map(vars, living["TrainingArguments"]):
        if held.get("load_best_model_at_end"):
            better = bool(held.get("greater_is_better"))
            kept.append(Keeper("TrainingArguments", str(held.get("metric_for_best_model")), more=better))
    return [one for place, one in enumerate(kept) if one not in kept[:place]]


def written(paths: Iterable[str]) -> list[Keeper]:
    """Return the comparisons that replace what a script calls the best: `if error < best_error: best_error = error`."""
    found: list[Keeper] = []
    for path, tree in sources.trees(paths):
        begins = _begins(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.If):
                place = f"{Path(path).name}:{node.lineno}"
                for kept, name, more in _replaced(node):
                    sides = begins.get(kept, set())
                    found.append(Keeper(place, name, more=more, never=sides == {more}))
    return found


def _begins(tree: ast.AST) -> dict[str, set[bool]]:
    """By name: whether it is ever set to infinity (True), and to minus infinity (False)."""
    found: dict[str, set[bool]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.AnnAssign) and node.value is not None:
            pairs = [(ast.unparse(node.target), ast.unparse(node.value))]
        else:
            pairs = list(_assigned([node])) if isinstance(node, ast.Assign) else []
        for kept, new in pairs:
            infinite = _INFINITE.fullmatch(new)
            if infinite:
                found.setdefault(kept, set()).add(bool(infinite[1]) is bool(infinite[2]))
            elif _NUMBER.fullmatch(new):
                found.setdefault(kept, set()).update((True, False))  # another function's, or another beginning
    return found


def _replaced(node: ast.If) -> Iterator[tuple[str, str, bool]]:
    """Yield what holds the best, what it is the best of, and whether the larger one takes its place."""
    tests = node.test.values if isinstance(node.test, ast.BoolOp) else [node.test]
    for test in tests:
        if not isinstance(test, ast.Compare) or len(test.ops) != 1 or not isinstance(test.ops[0], (*_GREATER, *_LESS)):
            continue
        left, right = ast.unparse(test.left), ast.unparse(test.comparators[0])
        for branch in (node.body, node.orelse):
            for kept, new in _assigned(branch):
                if _BEST not in kept or {kept, new} != {left, right}:
                    continue
                taken = isinstance(test.ops[0], _GREATER) is (new == left)
                greater = taken is (branch is node.body)
                name = kept.rpartition(".")[2]
                yield kept, (new if name == _BEST else name), greater


def _assigned(branch: list[ast.stmt]) -> Iterator[tuple[str, str]]:
    """Yield names and what they are given, in single assignments and in those of several at once."""
    for statement in branch:
        if not isinstance(statement, ast.Assign):
            continue
        for target in statement.targets:
            if isinstance(target, ast.Tuple) and isinstance(statement.value, ast.Tuple):
                yield from zip(map(ast.unparse, target.elts), map(ast.unparse, statement.value.elts), strict=False)
            else:
                yield ast.unparse(target), ast.unparse(statement.value)
