"""What a file offers to the probe, read and not run: models, losses, the optimizer it makes."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from runtime_probe.doors import words

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_NOT_LOSSES = ("train", "fit", "main", "eval", "test", "valid", "run", "step", "update", "plot", "log")
_METHODS = (
    "compute_loss", "loss", "loss_fn", "get_loss", "calculate_loss", "calc_loss", "forward_loss", "training_loss",
    "training_step",
)  # fmt: skip
_MODULES = ("Module", "PreTrainedModel")


@dataclass(slots=True)
class Loss:
    """A function or method that gives a loss."""

    name: str
    parameters: list[str]
    """Without default, and without self."""
    criteria: list[str]
    """Losses of torch that it calls."""
    layout: str = ""
    parts: list[str] = field(default_factory=list)
    calls: set[str] = field(default_factory=set)
    hands_to: list[tuple[str, int]] = field(default_factory=list)
    """Functions that get its last parameter whole, and as which argument."""


@dataclass(slots=True)
class Outline:
    """What a file offers."""

    models: list[str]
    """Classes that are modules of torch and part of no other class of the file."""
    functions: list[Loss]
    """Functions and modules that compute a loss."""
    losses: list[Loss]
    """Those of them that no other calls."""
    methods: dict[str, list[Loss]]
    """Of each model class, methods that give its loss."""
    gives_loss: list[str]
    """Classes whose forward takes targets beside its input."""
    criteria: list[str]
    """Losses of torch that the file calls anywhere."""
    optimizer: str = ""
    options: dict[str, Any] = field(default_factory=dict)


def read(path: Path) -> Outline:
    """Read a file. Raises OSError, SyntaxError or ValueError where it cannot be read."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = _imports(tree)
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    modules = _modules(classes, names)
    lossy = {name for name in modules if name.endswith(("Loss", "Criterion"))}
    used = {name: _called(node, classes) for name, node in classes.items()}
    inner = {part for name, parts in used.items() for part in parts if part != name}
    bases = {base.id for node in classes.values() for base in node.bases if isinstance(base, ast.Name)}
    models = [name for name in modules if name not in lossy | inner | bases]
    functions = [
        _loss(node, names) for node in tree.body if isinstance(node, ast.FunctionDef) and _may_be_loss(node, names)
    ]
    functions += [
        _loss(method, names, lossy_name) for lossy_name in lossy if (method := _method(classes[lossy_name], "forward"))
    ]
    helpers = {call for loss in functions for call in loss.calls}
    known = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    for loss in functions:
        _look_through(loss, known, names)
    optimizer, options = _optimizer(tree, names)
    return Outline(
        models,
        functions,
        [loss for loss in functions if loss.name not in helpers],
        {name: _methods(classes[name], names) for name in models},
        [name for name in models if _takes_targets(classes[name])],
        _criteria(tree, names),
        optimizer,
        options,
    )


def _imports(tree: ast.Module) -> dict[str, str]:
    """Local name -> dotted name, for what is imported anywhere in the file."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for item in node.names:
                found[item.asname or item.name.partition(".")[0]] = (
                    item.name if item.asname else item.name.partition(".")[0]
                )
        elif isinstance(node, ast.ImportFrom):
            for item in node.names:
                found[item.asname or item.name] = f"{node.module or ''}.{item.name}"
    return found


def _dotted(node: ast.AST, names: dict[str, str]) -> str:
    """Qualified name of `nn.Module`, `F.mse_loss`; empty for anything else."""
    if isinstance(node, ast.Name):
        return names.get(node.id, node.id)
    if isinstance(node, ast.Attribute):
        owner = _dotted(node.value, names)
        return f"{owner}.{node.attr}" if owner else ""
    return ""


def _modules(classes: dict[str, ast.ClassDef], names: dict[str, str]) -> list[str]:
    found: list[str] = []

    def is_module(base: ast.AST) -> bool:
        dotted = _dotted(base, names)
        return dotted in found or dotted.endswith(_MODULES) or dotted.startswith("torch.nn.")

    # A base may stand below in the file only in stubs; one pass suffices.
    for name, node in classes.items():
        if any(is_module(base) for base in node.bases):
            found.append(name)
    return found


def _called(node: ast.AST, known: dict[str, ast.ClassDef]) -> set[str]:
    calls = {inner.func for inner in ast.walk(node) if isinstance(inner, ast.Call)}
    return {func.id for func in calls if isinstance(func, ast.Name) and func.id in known}


def _method(node: ast.ClassDef, name: str) -> ast.FunctionDef | None:
    return next((item for item in node.body if isinstance(item, ast.FunctionDef) and item.name == name), None)


def _methods(node: ast.ClassDef, names: dict[str, str]) -> list[Loss]:
    found = [_loss(method, names, f"{node.name}.{name}") for name in _METHODS if (method := _method(node, name))]
    return [loss for loss in found if loss.parameters]


def _takes_targets(node: ast.ClassDef) -> bool:
    forward = _method(node, "forward")
    if forward is None:
        return False
    return any(argument.arg in {"targets", "labels", "target", "label"} for argument in forward.args.args)


def _required(function: ast.FunctionDef) -> list[str]:
    every = [*function.args.posonlyargs, *function.args.args]
    count = len(every) - len(function.args.defaults)
    return [argument.arg for argument in every[:count] if argument.arg not in {"self", "cls"}]


def _may_be_loss(node: ast.FunctionDef, names: dict[str, str]) -> bool:
    name, parameters = node.name.lower(), _required(node)
    if len(parameters) < 2 or name.startswith(_NOT_LOSSES) or _updates(node):
        return False
    if "loss" in name or "objective" in name or "criterion" in name:
        return True
    telling = words.is_model(parameters[0]) or words.is_output(parameters[0]) or words.is_target(parameters[1])
    return telling and (bool(_criteria(node, names)) or _mean_of_squares(node))


def _updates(node: ast.AST) -> bool:
    """Whether a function trains: it is the loop, or a part of it."""
    attributes = {n.func.attr for n in ast.walk(node) if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute)}
    return bool(attributes & {"backward", "zero_grad", "item"}) or ("step" in attributes and "eval" not in attributes)


def _mean_of_squares(node: ast.FunctionDef) -> bool:
    for item in ast.walk(node):
        if isinstance(item, ast.Return) and item.value is not None:
            for call in ast.walk(item.value):
                reduced = (
                    isinstance(call, ast.Call)
                    and isinstance(call.func, ast.Attribute)
                    and call.func.attr in {"mean", "sum"}
                )
                if reduced and any(
                    isinstance(n, ast.Pow) or getattr(n, "attr", "") in {"square", "pow", "abs"} for n in ast.walk(call)
                ):
                    return True
    return False


def _loss(node: ast.FunctionDef, names: dict[str, str], name: str = "") -> Loss:
    parameters = _required(node)
    if name.endswith(".training_step"):
        parameters = parameters[:1]
    loss = Loss(name or node.name, parameters, _criteria(node, names))
    loss.calls = {n.func.id for n in ast.walk(node) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)} - {
        loss.name
    }
    if parameters:
        loss.layout, loss.parts = _layout(node, parameters[-1])
        loss.hands_to = [
            (n.func.id, place)
            for n in ast.walk(node)
            if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)
            for place, given in enumerate(n.args)
            if isinstance(given, ast.Name) and given.id == parameters[-1]
        ]
    return loss


def _layout(function: ast.FunctionDef, batch: str) -> tuple[str, list[str]]:
    """How a function takes its argument `batch` apart, and into what."""
    keys: list[str] = []
    attributes: list[str] = []
    places: dict[int, str] = {}
    tensor_methods = {
        "shape",
        "size",
        "dim",
        "device",
        "dtype",
        "to",
        "float",
        "long",
        "items",
        "keys",
        "get",
        "values",
    }
    for node in sorted(ast.walk(function), key=lambda n: (getattr(n, "lineno", 0), getattr(n, "col_offset", 0))):
        value = getattr(node, "value", None)
        direct = isinstance(value, ast.Name) and value.id == batch
        if isinstance(node, ast.Assign) and direct and isinstance(node.targets[0], ast.Tuple):
            return "tuple", [n.id if isinstance(n, ast.Name) else "part" for n in node.targets[0].elts]
        if isinstance(node, ast.Subscript) and direct and isinstance(node.slice, ast.Constant):
            if isinstance(node.slice.value, str):
                keys.append(node.slice.value)
            elif isinstance(node.slice.value, int):
                places[node.slice.value] = f"part{node.slice.value}"
        elif isinstance(node, ast.Attribute) and direct:
            attributes.append(node.attr)
    if keys:
        return "dict", list(dict.fromkeys(keys))
    if places and min(places) >= 0 and set(places) == set(range(len(places))):
        return "tuple", [places[number] for number in sorted(places)]
    if attributes and not tensor_methods & set(attributes):
        return "attributes", list(dict.fromkeys(attributes))
    return "", []


def _look_through(loss: Loss, known: dict[str, ast.FunctionDef], names: dict[str, str]) -> None:
    """What a function of the file does with the batch that it is handed is done by the loss."""
    for name, place in loss.hands_to:
        helper = known.get(name)
        arguments = [a.arg for a in helper.args.args] if helper is not None else []
        if helper is None or name == loss.name or place >= len(arguments):
            continue
        loss.criteria += [c for c in _criteria(helper, names) if c not in loss.criteria]
        if not loss.layout:
            loss.layout, loss.parts = _layout(helper, arguments[place])


def _criteria(node: ast.AST, names: dict[str, str]) -> list[str]:
    """Functions of torch.nn.functional that compute a loss and are called, also as modules, in source order."""
    calls = [n for n in ast.walk(node) if isinstance(n, ast.Call)]
    found = []
    for call in sorted(calls, key=lambda n: (n.lineno, n.col_offset)):
        last = _dotted(call.func, names).rpartition(".")[2]
        name = words.CRITERIA.get(last, last)
        if name in words.CRITERIA.values():
            found.append(name)
    return list(dict.fromkeys(found))


def _optimizer(tree: ast.Module, names: dict[str, str]) -> tuple[str, dict[str, Any]]:
    """Class and options of the optimizer of torch that the file makes, if it makes one; options that are plain."""
    found = []
    for node in ast.walk(tree):
        dotted = _dotted(node.func, names) if isinstance(node, ast.Call) else ""
        if isinstance(node, ast.Call) and dotted.startswith("torch.optim.") and dotted.count(".") == 2:
            found.append((dotted.rpartition(".")[2], node))
    if len(found) != 1 or found[0][0] in {"Optimizer", "lr_scheduler"}:
        return "", {}
    name, call = found[0]
    values = _defaults(tree)
    options: dict[str, Any] = {}
    for keyword in call.keywords:
        if keyword.arg and keyword.arg != "params":
            options.update(_value(keyword.arg, keyword.value, values))
    if len(call.args) > 1:
        options.update(_value("lr", call.args[1], values))
    return name, options


def _value(name: str, node: ast.AST, values: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    try:
        yield name, ast.literal_eval(node)
    except ValueError:
        known = getattr(node, "attr", getattr(node, "id", ""))
        if isinstance(values.get(known), (int, float, tuple)):
            yield name, values[known]


def _defaults(tree: ast.Module) -> dict[str, Any]:
    """Constants, defaults of functions and of the command line: where a learning rate comes from."""
    found: dict[str, Any] = {}
    for node in tree.body:
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and isinstance(node.value, ast.Constant)
        ):
            found[node.targets[0].id] = node.value.value
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef) and function.args.defaults:
            named = zip(reversed(function.args.args), reversed(function.args.defaults), strict=False)
            found.update({a.arg: d.value for a, d in named if isinstance(d, ast.Constant)})
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    for call in calls:
        if isinstance(call.func, ast.Attribute) and call.func.attr == "add_argument":
            option = next(
                (a.value for a in call.args if isinstance(a, ast.Constant) and str(a.value).startswith("--")), ""
            )
            default = next((k.value for k in call.keywords if k.arg == "default"), None)
            if isinstance(default, ast.Constant) and isinstance(default.value, (int, float)):
                found[str(option).lstrip("-").replace("-", "_")] = default.value
    return found
