"""Recall without labels: break healthy code in one place, and see whether the linter says so.

usage: python benchmarks/mutation.py [FOLDER ...] [--rules CVG101,...] [--limit N] [--show]

Each folder is a project; without one, examples/healthy is. One thing at a time is taken out of a
temporary copy of it (a clip, a gradient scaler, a finite check, zero_grad, a normalizer, statistics
in a checkpoint, the clamp of flow time), and the linter runs on the copy as a user would run it.
A mutant is found if a finding of the expected rule appears that was not there before, and unsure
if it appears only under --show-unsure. What is flagged as it is makes no mutant: it is not healthy.

A miss is to be read before it is believed: a mutant may still be right, for instance if the same
gradients are clipped in two places. --show lists them.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import libcst as cst
from libcst.metadata import MetadataWrapper, ParentNodeProvider, PositionProvider

ROOT = Path(__file__).resolve().parent.parent
LARGEST = 1_000_000
"""Bytes; larger files are data and stay where they are."""

Replacement = cst.BaseExpression | cst.FlattenSentinel[cst.BaseStatement] | cst.RemovalSentinel
Change = Callable[[cst.CSTNode], cst.CSTNode | Replacement]
"""From a node, with the changes inside of it made, to what takes its place."""

STATISTIC = re.compile(
    r"(?:^|_)(?:means?|std|var|variance|stats?|statistics|normali[sz]ers?|vec_normalize|rms|q0?1|q99)"
    r"(?:_|$)|^(?:mins?|maxs?)$|_(?:min|max)$|StandardScaler",
    re.IGNORECASE,
)
TARGETS_OF_RL = re.compile(r"adv|return|reward|ret\b|loss|values?\b|score|baseline", re.IGNORECASE)
OF_A_SCALAR = re.compile(r"(?:^|[._])(?:a|alpha|temp\w*|ent\w*)_?opt\w*$|log_alpha")
"""A temperature's optimizer, whose gradient needs no care."""
NOT_TRAINING = re.compile(r"eval|infer|test|real_|\bact$|predict|sample\b|denorm|unnorm|(?:Layer|Batch|Group|RMS)Norm")
TIME = re.compile(r"^(?:t|ts|u|tau|time|times|timestep|timesteps|t_\w+|\w+_t|\w*time\w*)$")
INTERPOLATION = re.compile(r"\b1(?:\.0*)?\s*-\s*(?:\w+\.)?(?:t|tau|u|time|times|t_\w+|\w*time\w*)\b")
CLIPS = {
    "clip_grad_norm_", "clip_grad_norm", "clip_grad_value_", "clip_grad_value", "clip_gradients",
}  # fmt: skip
SAVES = re.compile(r"^(?:save|save_\w*(?:ckpt|checkpoint|model|state|stats)\w*|savez\w*|dump)$")
FINITE = re.compile(r"\b(?:isnan|isinf|isfinite)\b")
DRAWS = {"rand", "rand_like", "uniform", "uniform_"}


@dataclass(frozen=True)
class Mutant:
    """A project with one thing taken out of one file."""

    rule: str
    path: str
    line: int
    scope: str
    what: str
    source: str
    """The text of the whole file."""


@dataclass(frozen=True)
class Verdict:
    """What the linter said of a mutant: found, unsure or missed."""

    project: str
    rule: str
    path: str
    line: int
    scope: str
    what: str
    verdict: str


# What can be taken out


class File:
    """A parsed file with what the searches ask of it."""

    def __init__(self, path: str, text: str) -> None:
        wrapper = MetadataWrapper(cst.parse_module(text), unsafe_skip_copy=True)
        self.path = path
        self.text = text
        self.module = wrapper.module
        self._positions = wrapper.resolve(PositionProvider)
        self._parents = wrapper.resolve(ParentNodeProvider)
        self.nodes = list(_walk(self.module))

    def code(self, node: cst.CSTNode) -> str:
        """Source text of a node."""
        return self.module.code_for_node(node).strip()

    def line(self, node: cst.CSTNode) -> int:
        """First line of a node."""
        return self._positions[node].start.line

    def parent(self, node: cst.CSTNode) -> cst.CSTNode | None:
        """The node around a node, None around the module."""
        return self._parents.get(node)

    def parents(self, node: cst.CSTNode) -> Iterator[cst.CSTNode]:
        """All nodes around a node, innermost first."""
        above = self.parent(node)
        while above is not None:
            yield above
            above = self.parent(above)

    def function(self, node: cst.CSTNode) -> cst.CSTNode:
        """The function around a node, or the module."""
        inside = (n for n in self.parents(node) if isinstance(n, cst.FunctionDef))
        return next(inside, self.module)

    def owner(self, node: cst.CSTNode, name: str) -> cst.CSTNode:
        """Where a name means one thing: the class for an attribute, else the outermost function."""
        around = [n for n in self.parents(node) if isinstance(n, (cst.FunctionDef, cst.ClassDef))]
        classes = [n for n in around if isinstance(n, cst.ClassDef)]
        if name.startswith("self.") and classes:
            return classes[-1]
        functions = [n for n in around if isinstance(n, cst.FunctionDef)]
        return functions[-1] if functions else self.module

    def scope(self, node: cst.CSTNode) -> str:
        """Qualified name of the function around a node, as findings name it."""
        names = [n.name.value for n in self.parents(node) if isinstance(n, (cst.FunctionDef, cst.ClassDef))]
        return ".".join(reversed(names)) or "<module>"

    def mutant(self, rule: str, what: str, changes: dict[cst.CSTNode, Change]) -> Mutant:
        """The file with these changes made."""
        first = min(changes, key=self.line)
        changed = self.module.visit(_Changes(changes))
        assert isinstance(changed, cst.Module)
        return Mutant(rule, self.path, self.line(first), self.scope(first), what, changed.code)


class _Changes(cst.CSTTransformer):
    def __init__(self, changes: dict[cst.CSTNode, Change]) -> None:
        super().__init__()
        self._changes = changes

    def on_leave(self, original_node: cst.CSTNode, updated_node: cst.CSTNode) -> Any:
        change = self._changes.get(original_node)
        return updated_node if change is None else change(updated_node)


def _walk(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    yield node
    for child in node.children:
        yield from _walk(child)


def _last_name(call: cst.Call) -> str:
    if isinstance(call.func, cst.Attribute):
        return call.func.attr.value
    return call.func.value if isinstance(call.func, cst.Name) else ""


def _keyword(arg: cst.Arg) -> str:
    return arg.keyword.value if arg.keyword is not None else ""


def _text_of(key: cst.BaseExpression) -> str:
    if isinstance(key, cst.SimpleString):
        return str(key.evaluated_value)
    return ""


def _to_pass(_: cst.CSTNode) -> cst.CSTNode:
    return cst.Pass()


def _to_number(_: cst.CSTNode) -> cst.CSTNode:
    return cst.Float("0.0")


def _to_none(_: cst.CSTNode) -> cst.CSTNode:
    return cst.Name("None")


def _removed(_: cst.CSTNode) -> cst.RemovalSentinel:
    return cst.RemoveFromParent()


def _to(node: cst.CSTNode) -> Change:
    return lambda _: node


def _without(file: File, call: cst.Call) -> tuple[cst.CSTNode, Change]:
    """How a call disappears: with its statement, or as a number where its result is used."""
    above = file.parent(call)
    if isinstance(above, cst.Expr):
        return above, _to_pass
    return call, _to_number


Groups = dict[tuple[cst.CSTNode, str], dict[cst.CSTNode, Change]]


def clips(file: File) -> Iterator[Mutant]:
    """CVG101: all that clips one thing in one function."""
    groups: Groups = {}
    for node in file.nodes:
        if isinstance(node, cst.Call) and _last_name(node) in CLIPS and node.args:
            name = file.code(node.args[0].value)
            target, change = _without(file, node)
        elif isinstance(node, cst.Expr) and re.search(r"\.grad(?:\.data)?\.clamp_\(", file.code(node)):
            name, target, change = "by hand", node, _to_pass
        elif isinstance(node, cst.Arg) and _keyword(node) == "gradient_clip_val":
            name, target, change = "gradient_clip_val", node, _removed
        elif isinstance(node, cst.DictElement) and _text_of(node.key) == "gradient_clipping":
            name, target, change = "gradient_clipping", node, _removed
        else:
            continue
        groups.setdefault((file.owner(node, name), name), {})[target] = change
    for (_, name), changes in groups.items():
        yield file.mutant("CVG101", f"clipping of {name}", changes)


def scalers(file: File) -> Iterator[Mutant]:
    """CVG203: a gradient scaler and all that is done with it, but not the autocast."""
    groups: Groups = {}
    scale: set[tuple[cst.CSTNode, str]] = set()
    for node in file.nodes:
        if isinstance(node, cst.Assign) and isinstance(node.value, cst.Call):
            if _last_name(node.value) == "GradScaler":
                name = file.code(node.targets[0].target)
                groups.setdefault((file.owner(node, name), name), {})[node.value] = _to_none
            continue
        if not isinstance(node, cst.Call) or not isinstance(node.func, cst.Attribute):
            continue
        name, method = file.code(node.func.value), node.func.attr.value
        if "scaler" not in name.lower():
            continue
        key = (file.owner(node, name), name)
        changes = groups.setdefault(key, {})
        if method == "scale" and len(node.args) == 1:
            changes[node] = _scaled
            scale.add(key)
        elif method == "step" and node.args:
            changes[node] = _stepped
        elif method in ("unscale_", "update") and isinstance(file.parent(node), cst.Expr):
            statement = file.parent(node)
            assert statement is not None
            changes[statement] = _to_pass
    for key, changes in groups.items():
        if key in scale:
            yield file.mutant("CVG203", f"scaling by {key[1]}", changes)


def _scaled(node: cst.CSTNode) -> cst.CSTNode:
    assert isinstance(node, cst.Call)
    return node.args[0].value


def _stepped(node: cst.CSTNode) -> cst.CSTNode:
    assert isinstance(node, cst.Call)
    rest = node.args[1:]
    return cst.Call(cst.Attribute(node.args[0].value, cst.Name("step")), rest)


def clearings(file: File) -> Iterator[Mutant]:
    """CVG103: all that clears the gradients of one thing in one function."""
    groups: Groups = {}
    for node in file.nodes:
        if not isinstance(node, cst.Expr) or not isinstance(node.value, cst.Call):
            continue
        func = node.value.func
        if isinstance(func, cst.Attribute) and func.attr.value == "zero_grad":
            name = file.code(func.value)
            groups.setdefault((file.owner(node, name), name), {})[node] = _to_pass
    for (_, name), changes in groups.items():
        if not OF_A_SCALAR.search(name):
            yield file.mutant("CVG103", f"{name}.zero_grad()", changes)


def finite_checks(file: File) -> Iterator[Mutant]:
    """CVG201: all that tests one thing for NaN and Inf in one function."""
    groups: Groups = {}
    trains = re.search(r"backward\(|\bdef training_step\b", file.text)
    for node in file.nodes:
        change: Change = _to_pass
        if isinstance(node, cst.Assert):
            test: cst.CSTNode = node.test
        elif isinstance(node, cst.If) and (_ends(node.body) or _updates(file, node)):
            test = node.test
            change = _without_branch if _ends(node.body) else _without_test
        elif isinstance(node, cst.Expr) and "_assert_async" in file.code(node):
            test = node
        elif isinstance(node, cst.Arg) and _keyword(node) in (
            "error_if_nonfinite", "detect_anomaly",
        ):  # fmt: skip
            key = (file.function(node), _keyword(node))
            groups.setdefault(key, {})[node] = _removed
            continue
        elif isinstance(node, cst.Expr) and "set_detect_anomaly(" in file.code(node):
            groups.setdefault((file.function(node), "anomalies"), {})[node] = _to_pass
            continue
        else:
            continue
        subject = _tested(file, test)
        if subject and (trains or re.search("loss|grad", subject)):
            groups.setdefault((file.function(node), subject), {})[node] = change
    for (_, subject), changes in groups.items():
        yield file.mutant("CVG201", f"finite test of {subject}", changes)


def _tested(file: File, test: cst.CSTNode) -> str:
    for part in _walk(test):
        if isinstance(part, cst.Call) and FINITE.fullmatch(_last_name(part)):
            if part.args:
                return file.code(part.args[0].value)
            if isinstance(part.func, cst.Attribute):
                return file.code(part.func.value)
        if isinstance(part, cst.Comparison) and len(part.comparisons) == 1:
            right = part.comparisons[0]
            if isinstance(right.operator, cst.NotEqual) and part.left.deep_equals(right.comparator):
                return file.code(part.left)
    return ""


def _ends(body: cst.BaseSuite) -> bool:
    """Whether a block leaves the round, the function or the program."""
    last = body.body[-1] if body.body else None
    if isinstance(last, cst.SimpleStatementLine):
        last = last.body[-1]
    if isinstance(last, cst.Expr) and isinstance(last.value, cst.Call):
        return _last_name(last.value) in ("exit", "_exit", "quit")
    return isinstance(last, (cst.Raise, cst.Continue, cst.Break, cst.Return))


def _updates(file: File, node: cst.If) -> bool:
    return bool(re.search(r"\.(?:backward|step)\(", file.code(node.body)))


def _without_test(node: cst.CSTNode) -> Replacement:
    """An `if` without its test: what it held happens always."""
    assert isinstance(node, cst.If)
    return cst.FlattenSentinel(_statements(node.body))


def _without_branch(node: cst.CSTNode) -> cst.CSTNode | Replacement:
    """An `if` without its branch: the other one happens always."""
    assert isinstance(node, cst.If)
    if isinstance(node.orelse, cst.If):
        return node.orelse
    if node.orelse is not None:
        return cst.FlattenSentinel(_statements(node.orelse.body))
    return cst.SimpleStatementLine([cst.Pass()])


def _statements(suite: cst.BaseSuite) -> list[cst.BaseStatement]:
    if isinstance(suite, cst.IndentedBlock):
        return list(suite.body)
    assert isinstance(suite, cst.SimpleStatementSuite)
    return [cst.SimpleStatementLine(suite.body)]


def flow_times(file: File) -> Iterator[Mutant]:
    """CVG401: what keeps a drawn flow time away from 0 and 1."""
    if not INTERPOLATION.search(file.text):
        return
    drawn: set[tuple[cst.CSTNode, str]] = set()
    for node in file.nodes:
        if isinstance(node, cst.Assign) and len(node.targets) == 1:
            name = file.code(node.targets[0].target)
            function = file.function(node)
            if not TIME.match(name.removeprefix("self.")):
                continue
            draw = _draw_in(node.value)
            if draw is not None:
                drawn.add((function, name))
            elif (function, name) in drawn and _bounds(file, node.value, name):
                yield file.mutant("CVG401", f"{file.code(node)}", {node: _to_pass})
                continue
        elif isinstance(node, cst.Return) and node.value is not None:
            draw = _draw_in(node.value)
            if "time" not in file.scope(node.value).rpartition(".")[2]:
                continue
        else:
            continue
        value = node.value
        assert value is not None
        if draw is not None and not isinstance(value, cst.Tuple):
            raw = _raw_draw(file, draw, value)
            if raw is not None:
                top, replacement = raw
                yield file.mutant("CVG401", file.code(value), {top: _to(replacement)})


def _draw_in(value: cst.CSTNode) -> cst.Call | None:
    for part in _walk(value):
        if isinstance(part, cst.Call) and _last_name(part) in DRAWS:
            return part
        if isinstance(part, cst.Call) and _last_name(part) == "sigmoid" and part.args:
            inner = part.args[0].value
            if any(isinstance(p, cst.Call) and _last_name(p) == "randn" for p in _walk(inner)):
                return part
    return None


def _raw_draw(file: File, draw: cst.Call, value: cst.CSTNode) -> tuple[cst.CSTNode, cst.BaseExpression] | None:
    """The outermost arithmetic around a draw, and the draw without it."""
    replacement: cst.BaseExpression = draw
    if _last_name(draw) == "sigmoid":
        (randn,) = [p for p in _walk(draw) if isinstance(p, cst.Call) and _last_name(p) == "randn"][:1]
        assert isinstance(randn.func, cst.Attribute)
        replacement = randn.with_changes(func=randn.func.with_changes(attr=cst.Name("rand")), lpar=[], rpar=[])
        top: cst.CSTNode = draw
    else:
        top = draw
    bounded = _last_name(draw) == "sigmoid"
    for above in file.parents(draw):
        if top is value:
            break
        if isinstance(above, cst.Call) and _last_name(above) in ("clamp", "clip", "clamp_"):
            top, bounded = above, True
        elif isinstance(above, cst.BinaryOperation):
            if re.search(r"arange|randn|linspace", file.code(above)):
                return None
            top, bounded = above, True
        elif not isinstance(above, (cst.Attribute, cst.Call, cst.Arg, cst.UnaryOperation)):
            break
        if above is value:
            break
    return (top, replacement) if bounded else None


def _bounds(file: File, value: cst.BaseExpression, name: str) -> bool:
    """Whether a value is the same name, bounded or mapped into a smaller interval."""
    text = file.code(value)
    if not re.search(rf"(?<![\w.]){re.escape(name)}\b", text):
        return False
    if re.search(r"\b(?:clamp|clip)\b", text):
        return True
    numbers = re.findall(r"\b0?\.\d+|\b\d+e-\d+|\beps\w*", text)
    return isinstance(value, cst.BinaryOperation) and bool(numbers)


def normalizers(file: File) -> Iterator[Mutant]:
    """CVG301: one normalization: (x - mean) / std, / 255, Normalize in a Compose."""
    if re.search(r"^\s*(?:import|from) (?:jax|flax)\b", file.text, re.MULTILINE):
        return
    images: Groups = {}
    for node in file.nodes:
        if isinstance(node, cst.BinaryOperation) and isinstance(node.operator, cst.Divide):
            if NOT_TRAINING.search(f"{file.path} {file.scope(node)}"):
                continue
            left = node.left
            number = node.right
            if isinstance(number, (cst.Integer, cst.Float)) and float(number.value) == 255:
                # One network often scales in several methods.
                images.setdefault((file.owner(node, "self."), "/ 255"), {})[node] = _to(left)
            elif isinstance(left, cst.BinaryOperation) and _standardizes(file, node, left):
                yield file.mutant("CVG301", file.code(node), {node: _to(left.left)})
        elif isinstance(node, cst.Call) and _last_name(node) == "Compose":
            if re.search(r"ToTensor|ToDtype|ToImage|ConvertImageDtype", file.code(node)):
                continue  # they scale to [0, 1], and that will do
            elements: dict[cst.CSTNode, Change] = {
                part: _removed
                for part in _walk(node)
                if isinstance(part, cst.Element)
                and isinstance(part.value, cst.Call)
                and _last_name(part.value) == "Normalize"
            }
            if elements:
                yield file.mutant("CVG301", "Normalize of a Compose", elements)
    for (_, what), changes in images.items():
        yield file.mutant("CVG301", what, changes)


def _standardizes(file: File, node: cst.BinaryOperation, left: cst.BinaryOperation) -> bool:
    """Whether a quotient is (x - mean) / std of something else than rewards."""
    center = file.code(left.right)
    return (
        isinstance(left.operator, cst.Subtract)
        and bool(re.search(r"std|var|scale|max|sigma", file.code(node.right), re.IGNORECASE))
        and bool(re.search(r"mean|mu\b|min|loc", center, re.IGNORECASE))
        and not center.startswith(f"{file.code(left.left)}.")  # advantages, mostly
        and not TARGETS_OF_RL.search(file.code(node))
    )


def savings(file: File) -> Iterator[Mutant]:
    """CVG302: all statistics that one function saves, out of what it saves."""
    groups: Groups = {}
    for node in file.nodes:
        if not isinstance(node, cst.Call) or not SAVES.match(_last_name(node)):
            continue
        if isinstance(node.func, cst.Attribute) and isinstance(node.func.value, cst.Call):
            continue  # an image or a figure
        function = file.function(node)
        changes = groups.setdefault((function, ""), {})
        for arg in node.args:
            unpacked = arg.star == "**" and _is_statistic(file, arg.value)
            if unpacked or STATISTIC.search(_keyword(arg)):
                changes[arg] = _removed
            elif isinstance(arg.value, (cst.Dict, cst.List)):
                changes.update(_entries(file, arg.value))
            elif isinstance(arg.value, cst.Name):
                changes.update(_saved_by_name(file, function, arg.value.value))
        thing = node.args[0].value if node.args else None
        if thing is None or isinstance(thing, (cst.Dict, cst.List)):
            continue
        statement = file.parent(node)
        if _is_statistic(file, thing) and isinstance(statement, cst.Expr):
            changes[statement] = _to_pass
    for changes in groups.values():
        if changes:
            names = sorted({re.sub(r"[:=].*", "", file.code(n), flags=re.DOTALL) for n in changes})
            yield file.mutant("CVG302", f"saving of {', '.join(names)}", changes)


def _is_statistic(file: File, value: cst.CSTNode) -> bool:
    return any(STATISTIC.search(word) for word in re.findall(r"\w+", file.code(value)))


def _entries(file: File, value: cst.Dict | cst.List) -> Iterator[tuple[cst.CSTNode, Change]]:
    for element in value.elements:
        if isinstance(element, cst.DictElement):
            if STATISTIC.search(_text_of(element.key)):
                yield element, _removed
        elif _is_statistic(file, element.value):
            yield element, _removed


def _saved_by_name(file: File, function: cst.CSTNode, name: str) -> Iterator[tuple[cst.CSTNode, Change]]:
    """Statistics in a dict that has a name, and those added to it later."""
    for node in _walk(function):
        if not isinstance(node, cst.Assign) or len(node.targets) != 1:
            continue
        target = node.targets[0].target
        if isinstance(target, cst.Name) and target.value == name:
            if isinstance(node.value, (cst.Dict, cst.List)):
                yield from _entries(file, node.value)
        elif isinstance(target, cst.Subscript) and file.code(target.value) == name:
            key = re.sub(r"\W+", "_", file.code(target).removeprefix(name))
            if STATISTIC.search(key):
                yield node, _to_pass


OPERATORS: dict[str, Callable[[File], Iterator[Mutant]]] = {
    "CVG101": clips,
    "CVG103": clearings,
    "CVG201": finite_checks,
    "CVG203": scalers,
    "CVG301": normalizers,
    "CVG302": savings,
    "CVG401": flow_times,
}


def mutants_of(path: str, text: str, rules: Iterable[str]) -> list[Mutant]:
    """All mutants of one file, none if it cannot be parsed."""
    try:
        file = File(path, text)
    except cst.ParserSyntaxError:
        return []
    return [mutant for rule in rules for mutant in OPERATORS[rule](file)]


def mutants_in(project: Path, rules: Iterable[str]) -> Iterator[Mutant]:
    """All mutants of a project, file by file."""
    for path in sorted(project.rglob("*.py")):
        relative = path.relative_to(project)
        if path.is_file() and path.stat().st_size <= LARGEST and not is_test(relative):
            text = path.read_text("utf-8", errors="surrogateescape")
            yield from mutants_of(relative.as_posix(), text, rules)


# Running the linter


def copy_project(folder: Path, target: Path) -> None:
    """Copy a project without its history and its large files, as a root of its own."""

    def ignored(where: str, names: list[str]) -> list[str]:
        paths = [Path(where) / name for name in names]
        return [
            p.name
            for p in paths
            if p.name in (".git", "__pycache__") or p.is_symlink() or (p.is_file() and p.stat().st_size > LARGEST)
        ]

    shutil.copytree(folder, target, ignore=ignored)
    (target / ".git").mkdir()


def lint(project: Path, rules: Sequence[str], timeout: float) -> list[dict[str, object]]:
    """Findings of the whole project, the unsure among them."""
    done = subprocess.run(
        [sys.executable, "-m", "convdiag_lint", "check", "--format", "json", "--no-cache",
         "--show-unsure", "--select", ",".join(rules), "-j", "1", "."],
        cwd=project, capture_output=True, text=True, timeout=timeout, check=False,
    )  # fmt: skip
    if done.returncode not in (0, 1) and not done.stdout:
        sys.exit(done.stderr)
    found: list[dict[str, object]] = json.loads(done.stdout)
    return found


def places(findings: list[dict[str, object]], rule: str, *, unsure: bool) -> Counter[str]:
    """Which scopes a rule flags, and how often."""
    return Counter(
        f"{item['path']}:{item['scope']}"
        for item in findings
        if item["code"] == rule and (unsure or not item.get("unsure"))
    )


def spread(mutants: list[Mutant], limit: int) -> list[Mutant]:
    """At most `limit` of them, evenly from first to last."""
    if not limit or len(mutants) <= limit:
        return mutants
    return [mutants[i * len(mutants) // limit] for i in range(limit)]


def is_test(path: Path) -> bool:
    """Whether a file is a project's own test, which trains to see that code runs."""
    return any(part in ("test", "tests", "test.py") or part.startswith("test_") for part in path.parts)


def try_project(folder: Path, rules: Sequence[str], limit: int, timeout: float) -> Iterator[Verdict]:
    """Make the mutants of one project and let the linter judge each."""
    with tempfile.TemporaryDirectory() as temporary:
        project = Path(temporary) / folder.resolve().name
        copy_project(folder, project)
        before = lint(project, rules, timeout)
        flagged = {(item["code"], item["path"], item["scope"]) for item in before if not item.get("unsure")}
        by_rule: dict[str, list[Mutant]] = {rule: [] for rule in rules}
        for mutant in mutants_in(project, rules):
            if (mutant.rule, mutant.path, mutant.scope) not in flagged:
                by_rule[mutant.rule].append(mutant)
        for rule, mutants in by_rule.items():
            for mutant in spread(mutants, limit):
                path = project / mutant.path
                original = path.read_bytes()
                path.write_text(mutant.source, "utf-8", errors="surrogateescape")
                after = lint(project, [rule], timeout)
                path.write_bytes(original)
                verdict = "missed"
                if places(after, rule, unsure=False) - places(before, rule, unsure=False):
                    verdict = "found"
                elif (
                    places(after, rule, unsure=True) - places(before, rule, unsure=True)
                    or places(after, rule, unsure=True)[f"{mutant.path}:{mutant.scope}"]
                ):
                    verdict = "unsure"
                yield Verdict(
                    folder.resolve().name, rule, mutant.path, mutant.line, mutant.scope,
                    " ".join(mutant.what.split()), verdict,
                )  # fmt: skip


def table(verdicts: Sequence[Verdict], rules: Sequence[str]) -> str:
    """Mutants by rule; recall counts what is found without --show-unsure."""
    lines = ["| rule | mutants | found | unsure | missed | recall |", "|---|---|---|---|---|---|"]
    for rule in rules:
        count = Counter(v.verdict for v in verdicts if v.rule == rule)
        total = count.total()
        recall = f"{count['found'] / total:.2f}" if total else "-"
        lines.append(f"| {rule} | {total} | {count['found']} | {count['unsure']} | {count['missed']} | {recall} |")
    return "\n".join(lines)


def known_rules() -> list[str]:
    """Codes that this version of the linter has."""
    from convdiag_lint.rules import ALL  # noqa: PLC0415 - it brings libcst's machinery along

    return [rule.code for rule in ALL]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; the exit status is 0 whatever the recall."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folders", nargs="*", type=Path, metavar="FOLDER",
                        help="projects to break; examples/healthy without any")  # fmt: skip
    parser.add_argument("--rules", default=",".join(OPERATORS), metavar="CODES",
                        help="expected rules (default: %(default)s)")  # fmt: skip
    parser.add_argument("--limit", type=int, default=0, metavar="N",
                        help="at most N mutants of a rule in a project, evenly spread")  # fmt: skip
    parser.add_argument("--show", action="store_true", help="list what was not found")
    parser.add_argument("--list", action="store_true", help="list all mutants and run nothing")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every verdict there")
    parser.add_argument("--timeout", type=float, default=300, metavar="SECONDS",
                        help="for one run of the linter (default: %(default)s)")  # fmt: skip
    args = parser.parse_args(arguments)
    wanted = [code.strip().upper() for code in args.rules.split(",") if code.strip()]
    unknown = sorted(set(wanted) - set(OPERATORS))
    if unknown:
        parser.error(f"no mutation for {', '.join(unknown)}; there is {', '.join(OPERATORS)}")
    folders: list[Path] = args.folders or [ROOT / "examples" / "healthy"]
    for folder in folders:
        if not folder.is_dir():
            parser.error(f"not a folder: {folder}")
    if args.list:
        for folder in folders:
            for mutant in mutants_in(folder, wanted):
                what = " ".join(mutant.what.split())
                print(f"{mutant.rule} {folder / mutant.path}:{mutant.line} {mutant.scope}: {what}")
        return 0
    rules = [code for code in wanted if code in known_rules()]

    verdicts: list[Verdict] = []
    for folder in folders:
        of_project = list(try_project(folder, rules, args.limit, args.timeout))
        verdicts += of_project
        found = sum(v.verdict == "found" for v in of_project)
        print(f"{folder.resolve().name}: {found} of {len(of_project)} found", flush=True)
        for v in of_project if args.show else ():
            if v.verdict != "found":
                print(f"  {v.verdict} {v.rule} {v.path}:{v.line} {v.scope}: {v.what}")
    print()
    print(table(verdicts, rules))
    missing = sorted(set(wanted) - set(rules))
    if missing:
        print(f"\nnot in this version of the linter: {', '.join(missing)}")
    if args.json is not None:
        args.json.write_text(json.dumps([asdict(v) for v in verdicts], indent=1) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
