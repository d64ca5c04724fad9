"""Writes a peer's calls into a program, where a person who follows the peer's documentation would put them.

Before the outermost loop that trains comes `PEER.begin(locals(), pairs)`; `loss.backward()` becomes
`PEER.backward(loss, "optimizer", locals())`; and what the innermost loop goes over becomes `PEER.batches(it)`. Which
model belongs to which optimizer is read from the healthy twin: whoever wrote the program means the same pairs.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

TARGETS = {
    "bc_bins": "label_batch",
    "bc_mlp": "action_batch",
    "ddpm_images": "noise",
    "deep_regression": "values",
    "diffusion_policy": "noise",
    "dqn": "target",
    "flow_policy": "action_batch",
    "image_cnn": "labels",
    "language_model": "y",
    "ppo": "b_return[rows]",
    "reinforce": "returns",
    "sequence_lstm": "labels",
    "vae": "x",
}
"""What the author of each program would name as the targets of a batch; nothing where it has none."""


def pairs(healthy: str) -> dict[str, str]:
    """Return the model that each optimizer of a healthy program is for, by the names of their variables."""
    found: dict[str, str] = {}
    for node in ast.walk(ast.parse(healthy)):
        if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Call) or not node.value.args:
            continue
        target, first = node.targets[0], node.value.args[0]
        if isinstance(target, ast.Name) and isinstance(first, ast.Call) and isinstance(first.func, ast.Attribute):
            model = first.func.value
            if first.func.attr == "parameters" and isinstance(model, ast.Name):
                found[target.id] = model.id
    return found


def with_calls(text: str, known: dict[str, str]) -> str:
    """Return the program with the calls in it. Raises ValueError where it has no loop that trains."""
    tree = ast.parse(text)
    writer = _Writer(known)
    tree = ast.fix_missing_locations(writer.visit(tree))
    if not writer.begun:
        raise ValueError("no loop that calls backward()")
    return ast.unparse(tree)


def _backward(node: ast.AST) -> ast.Call | None:
    """The call of `backward` that a statement is, if it is one."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and isinstance(node.value.func, ast.Attribute):
        return node.value if node.value.func.attr == "backward" and not node.value.args else None
    return None


def _trains(node: ast.AST) -> bool:
    return any(_backward(inner) is not None for inner in ast.walk(node))


def _peer(method: str, *arguments: ast.expr) -> ast.Call:
    return ast.Call(ast.Attribute(ast.Name("PEER", ast.Load()), method, ast.Load()), list(arguments), [])


def _locals() -> ast.expr:
    return ast.Call(ast.Name("locals", ast.Load()), [], [])


@dataclass
class _Writer(ast.NodeTransformer):
    known: dict[str, str]
    begun: bool = False
    depth: int = field(default=0)
    steps: list[tuple[int, str]] = field(default_factory=list)
    """The lines where an optimizer steps, and its name."""

    def visit_Module(self, node: ast.Module) -> ast.AST:
        """Note where optimizers step."""
        for inner in ast.walk(node):
            if isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute) and inner.func.attr == "step":
                names = [item.id for item in (inner.func.value, *inner.args) if isinstance(item, ast.Name)]
                self.steps += [(inner.lineno, name) for name in names if name in self.known]
        self.steps.sort()
        return self.generic_visit(node)

    def visit_For(self, node: ast.For) -> ast.AST | list[ast.AST]:
        """Rewrite a loop, if it trains."""
        if _trains(node) and not any(isinstance(n, (ast.For, ast.While)) and _trains(n) for n in _below(node)):
            node.iter = _peer("batches", node.iter)
        return self._loop(node)

    def visit_While(self, node: ast.While) -> ast.AST | list[ast.AST]:
        """Rewrite a loop, if it trains."""
        return self._loop(node)

    def _loop(self, node: ast.For | ast.While) -> ast.AST | list[ast.AST]:
        outermost = self.depth == 0 and _trains(node)
        self.depth += 1
        self.generic_visit(node)
        self.depth -= 1
        if not outermost:
            return node
        self.begun = True
        names = ast.Dict([ast.Constant(o) for o in self.known], [ast.Constant(m) for m in self.known.values()])
        return [ast.Expr(_peer("begin", _locals(), names)), node]

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        """Rewrite `loss.backward()`."""
        call = _backward(node)
        if call is None or not isinstance(call.func, ast.Attribute):
            return self.generic_visit(node)
        name = next((name for line, name in self.steps if line > node.lineno), next(iter(self.known), ""))
        return ast.Expr(_peer("backward", call.func.value, ast.Constant(name), _locals()))


def _below(node: ast.AST) -> list[ast.AST]:
    return [inner for inner in ast.walk(node) if inner is not node]
