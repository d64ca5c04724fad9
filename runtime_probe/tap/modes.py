"""Evaluations that a script writes, where nothing in it ever puts a model in eval mode.

What evaluates runs after the ten steps, often hours later: it is read in the source.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from runtime_probe.record import Where
from runtime_probe.tap import sources

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

_WITHOUT_GRADIENT = re.compile(r"\b(no_grad|inference_mode)\b")
_EVALUATES = re.compile(r"eval|valid|test|score|accuracy|error|metric|predict|infer|sample|deploy", re.IGNORECASE)
_LOOPS = (ast.For, ast.AsyncFor, ast.While, ast.GeneratorExp, ast.ListComp, ast.SetComp, ast.DictComp)
_MODELS = {"model", "net", "network", "policy"}
_ASKS = {"forward", "predict", "sample", "generate", "logits", "encode", "decode", "module"}


def never_in_eval(paths: Iterable[str], classes: Collection[str]) -> list[Where]:
    """Return where a script evaluates a model; nothing if it sets the mode of any model, anywhere.

    Args:
        paths: Files of the script.
        classes: Names of the classes of its models.
    """
    found: list[Where] = []
    for path, tree in sources.trees(paths):
        nodes = list(ast.walk(tree))
        if any(map(_sets_mode, nodes)):
            return []
        models = _MODELS.union(*(_bound(node, classes) for node in nodes))
        found += [Where(path, node.lineno, function) for node, function in _evaluations(tree, models)]
    return found


def _sets_mode(node: ast.AST) -> bool:
    """Whether this is `x.eval()`, `x.train(False)`, `x.training = False`, or hands such a method on."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return node.func.attr == "train" and bool(node.args or node.keywords)
    return isinstance(node, ast.Attribute) and (
        node.attr == "eval" or (node.attr == "training" and isinstance(node.ctx, ast.Store))
    )


def _bound(node: ast.AST, classes: Collection[str]) -> set[str]:
    """Names that an object of one of these classes is given: `net = GraspNet(64).to(device)`."""
    if not isinstance(node, ast.Assign):
        return set()
    made = {ast.unparse(call.func).rpartition(".")[2] for call in ast.walk(node.value) if isinstance(call, ast.Call)}
    if not made & set(classes):
        return set()
    return {ast.unparse(target).rpartition(".")[2] for target in node.targets}


def _evaluations(tree: ast.AST, models: Collection[str], function: str = "<module>") -> Iterator[tuple[ast.stmt, str]]:
    """Yield what runs without gradients and asks a model: in a loop, or in a function that says so by its name."""
    for node in ast.iter_child_nodes(tree):
        inside = node.name if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) else function
        if _is_without_gradient(node) and isinstance(node, ast.stmt):
            named = bool(_EVALUATES.search(inside)) and not _trains(tree)
            over = [node] if named else [n for n in ast.walk(node) if isinstance(n, _LOOPS)]
            if not _trains(node) and any(_asks(n, models) for part in over for n in ast.walk(part)):
                yield node, inside
                continue
        yield from _evaluations(node, models, inside)


def _is_without_gradient(node: ast.AST) -> bool:
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        switches = node.decorator_list
    else:
        switches = [item.context_expr for item in node.items] if isinstance(node, (ast.With, ast.AsyncWith)) else []
    return any(_WITHOUT_GRADIENT.search(ast.unparse(switch)) for switch in switches)


def _trains(tree: ast.AST) -> bool:
    return any(isinstance(node, ast.Attribute) and node.attr == "backward" for node in ast.walk(tree))


def _asks(node: ast.AST, models: Collection[str]) -> bool:
    """Whether this calls a model: `model(x)`, `self.model(x)`, `model.predict(x)`."""
    if not isinstance(node, ast.Call):
        return False
    *before, last = ast.unparse(node.func).split(".")
    return last in models or (last in _ASKS and bool(before) and before[-1] in models)
