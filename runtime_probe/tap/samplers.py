"""What a sampler that the script has written takes the model's answer for: noise, or a velocity.

Read in the source: a loop that carries a sample from step to step, and asks a model about it and about the time of
the step. `noise = model(x, t)` says it by name, `x = x + model(x, t) * dt` by what is done. Loops that train carry no
sample, and simulators are not asked about a time.
"""

from __future__ import annotations

import ast
import builtins
import re
from typing import TYPE_CHECKING, NamedTuple

from runtime_probe.record import Sampler, Where
from runtime_probe.tap import sources

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_NOISE = re.compile(r"(^|_)(noise|eps|epsilon)(_|$)")
_OF_THE_SHAPE = re.compile(r"shape|device|dtype|ndim|size|dim|numel|new_\w+|len|\w+_like")
"""What asks a tensor for its shape and place, not for its numbers: `t = torch.full((x.shape[0],), i)`."""


class _Step(NamedTuple):
    """One assignment of a loop to a name."""

    name: str
    value: ast.expr
    added: bool
    """`x += value`, or `x -= value`."""
    line: int


def written(paths: Iterable[str]) -> list[Sampler]:
    """Return what each loop that samples takes a model's answer for."""
    found: list[Sampler] = []
    for path, tree in sources.trees(paths):
        nodes = list(ast.walk(tree))
        known = frozenset(dir(builtins)).union(*map(_defined, nodes))
        for loop in nodes:
            if isinstance(loop, (ast.For, ast.While)):
                made = [Sampler(kind, Where(path, line)) for kind, line in _taken_for(loop, known)]
                found += [sampler for sampler in made if sampler not in found]  # loops lie in loops
    return found


def _defined(node: ast.AST) -> set[str]:
    """Names of what a file defines or imports: functions, which may turn one thing into another, and no models."""
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
    return {node.name} if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) else set()


def _taken_for(loop: ast.For | ast.While, known: frozenset[str]) -> set[tuple[str, int]]:
    """Return what answers are taken for, and the lines; nothing where some are taken for something else."""
    steps = [step for node in ast.walk(loop) for step in _assigned(node)]
    made_of: dict[str, set[str]] = {}
    for step in steps:
        made_of.setdefault(step.name, set()).update(_numbers(step.value), {step.name} if step.added else ())
    counters = {
        name
        for node in ast.walk(loop)
        if isinstance(node, (ast.For, ast.comprehension))
        for name in _names(node.target)
    }
    behind = {name: _behind(name, made_of) for name in made_of}

    def asks(value: ast.AST) -> bool:
        """Whether a call is given a sample that is carried on, and the time, which is not made of the sample."""
        if not isinstance(value, ast.Call) or _is_known(value.func, known):
            return False
        given = {name for arg in (*value.args, *(k.value for k in value.keywords)) for name in _numbers(arg)}
        carried = {name for name in given if name in behind.get(name, ()) and name not in counters}
        times = {name for name in given if name in counters or behind.get(name, set()) & {*counters, name}}
        return any(time != x and x not in behind.get(time, ()) for x in carried for time in times)

    # What makes the next sample of this one, `x = scheduler.step(noise, t, x)`, is no answer about it.
    asking = [step for step in steps if asks(step.value) and step.name not in _names(step.value)]
    answers = {step.name for step in asking}
    if answers and all(_NOISE.search(name.lower()) for name in answers):
        return {("noise", step.line) for step in asking}
    moving = [(step, list(_factors(step.value))) for step in steps if step.added]
    used = {factor.id for _, factors in moving for factor in factors if isinstance(factor, ast.Name)}
    if not answers <= used:
        return set()
    return {
        ("velocity", step.line)
        for step, factors in moving
        if len(factors) > 1 and any(asks(f) or (isinstance(f, ast.Name) and f.id in answers) for f in factors)
    }


def _assigned(node: ast.AST) -> Iterator[_Step]:
    """Yield what a statement gives to names; `x = x + step` adds as `x += step` does."""
    if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
        yield _Step(node.target.id, node.value, isinstance(node.op, (ast.Add, ast.Sub)), node.lineno)
    elif isinstance(node, ast.Assign) and len(node.targets) == 1:
        target, value = node.targets[0], node.value
        sums = isinstance(value, ast.BinOp) and isinstance(value.op, (ast.Add, ast.Sub))
        if isinstance(value, ast.BinOp) and sums and ast.dump(target) == ast.dump(_stored(value.left)):
            value = value.right
            yield _Step(getattr(target, "id", ""), value, True, node.lineno)
        else:
            for name in _names(target):
                yield _Step(name, value, False, node.lineno)


def _stored(value: ast.expr) -> ast.expr:
    """Return a name as the left side of an assignment writes it."""
    return ast.Name(value.id, ast.Store()) if isinstance(value, ast.Name) else value


def _names(node: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def _numbers(node: ast.AST) -> set[str]:
    """Names whose numbers make up an expression; shapes, devices and the like are none."""
    asked = node.func if isinstance(node, ast.Call) else node
    name = asked.attr if isinstance(asked, ast.Attribute) else getattr(asked, "id", "")
    inside = set().union(*map(_numbers, ast.iter_child_nodes(node)))
    if not _OF_THE_SHAPE.fullmatch(name):
        return inside | ({node.id} if isinstance(node, ast.Name) else set())
    if isinstance(node, ast.Call) and name.startswith("new_"):
        return set().union(*map(_numbers, node.args))  # x.new_full((n,), t)
    if isinstance(node, ast.Call) and name.endswith("_like"):
        return set().union(*map(_numbers, node.args[1:]))  # torch.full_like(x, t)
    return set()


def _behind(name: str, made_of: Mapping[str, set[str]]) -> set[str]:
    """Return all that a name is made of, over any number of rounds."""
    found: set[str] = set()
    ahead = {name}
    while ahead:
        new = set().union(*(made_of.get(one, set()) for one in ahead))
        ahead = new - found
        found |= new
    return found


def _is_known(function: ast.expr, known: frozenset[str]) -> bool:
    """Whether what is called is a function of the file or of a library, or a method that the file defines."""
    if isinstance(function, ast.Attribute) and (function.attr in known or _OF_THE_SHAPE.fullmatch(function.attr)):
        return True
    while isinstance(function, ast.Attribute):
        function = function.value
    return isinstance(function, ast.Name) and function.id in known


def _factors(value: ast.expr) -> Iterator[ast.expr]:
    """What is multiplied and divided. A clean sample is not: `x += (x1 - x) * dt / (1 - t)` goes towards it."""
    if isinstance(value, ast.BinOp) and isinstance(value.op, (ast.Mult, ast.Div)):
        yield from _factors(value.left)
        yield from _factors(value.right)
    else:
        yield value
