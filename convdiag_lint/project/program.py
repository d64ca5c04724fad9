"""A project as one program: names across modules, objects and their attributes, who calls whom.

Everything is found when it is asked for and kept: a function is run from its start once.
"""

from __future__ import annotations

import builtins
import re
from bisect import bisect_right
from typing import TYPE_CHECKING, Any, TypeVar

from convdiag_lint.events import Place
from convdiag_lint.project import calling
from convdiag_lint.project.attributes import Attributes
from convdiag_lint.project.callers import Callers
from convdiag_lint.project.classes import Classes
from convdiag_lint.project.expressions import element, evaluate, item
from convdiag_lint.project.index import Index
from convdiag_lint.project.interpreter import Interpreter
from convdiag_lint.project.modules import Modules
from convdiag_lint.project.run import Run
from convdiag_lint.project.unwrapping import unwrapped
from convdiag_lint.project.values import (
    Attr,
    Call,
    Choice,
    ClassVal,
    Const,
    Env,
    FuncVal,
    Imported,
    ModuleVal,
    Obj,
    Param,
    Ref,
    Value,
)
from convdiag_lint.reading.source import line_starts

if TYPE_CHECKING:
    from collections.abc import Callable

    from convdiag_lint.project.files import ProjectFiles
    from convdiag_lint.reading.syntax import Function, Module, Span

T = TypeVar("T")
_MATTERS = re.compile(
    rb"\.step\b|backward|clip|zero_grad|isnan|isinf|isfinite|nan_to_num|autocast|\.half\(|\.grad\b|set_to_none"
    rb"|detect_anomaly|no_grad|optim"
)
TRIGGERS = frozenset(
    "backward manual_backward zero_grad clip_grad_norm_ clip_grad_value_ clip_grad_norm clip_grad_value"
    " clip_gradients clip_master_grads isnan isinf isfinite unscale_ grad register_hook step"
    " register_post_accumulate_grad_hook register_step_pre_hook set_detect_anomaly detect_anomaly _assert_async".split()
)
_BUILTINS = frozenset(dir(builtins))


class Program:
    """Everything that is known of one project."""

    def __init__(self, files: ProjectFiles) -> None:
        self.files = files
        self.modules = Modules(files)
        self.classes = Classes(self)
        self.attributes = Attributes(self)
        self.callers = Callers(self)
        self.index = Index(files)
        self._runs: dict[int, Run] = {}
        self._kept: list[object] = []
        self._envs: dict[str, Env] = {}
        self._definitions: dict[str, dict[str, Value]] = {}
        self._expanded: dict[int, Value] = {}
        self._matters: dict[str, bool] = {}
        self._lines: dict[str, list[int]] = {}
        self._depth = 0
        self.facts: dict[str, Any] = {}
        """What a rule worked out about this program and keeps, by the rule's own name for it."""
        self._stack: list[Run] = []
        self._again: dict[object, int] = {}
        self._working: set[int] = set()
        self.work = 0
        """Statements executed for the file that is being analysed."""
        self.touched = 0
        """How often something unfinished was looked at: what was worked out meanwhile is not kept,
        or what is known of the program would depend on what was asked first."""
        self.kinds: dict[int, str | None] = {}
        """What part a value plays, by the value's id."""
        self.unwrapped: dict[int, Value] = {}
        """The module behind wrappers, by the value's id."""

    # Modules and names -----------------------------------------------------------------------

    def may_matter(self, path: str) -> bool:
        """Whether a module's text names anything that acts on a training step."""
        if path not in self._matters:
            self._matters[path] = _MATTERS.search(self.files.read(path)) is not None
        return self._matters[path]

    def global_env(self, module: Module) -> Env:
        """Names at the module level, after or while the module level runs."""
        env = self._envs.get(module.path)
        if env is None:
            self.run(module.main)
            env = self._envs[module.path]
        return env

    def global_name(self, module: Module, name: str) -> Value:
        """Value of a global or builtin name."""
        found = self.global_env(module).names.get(name) or self._defined(module, name)
        if found is not None:
            return found
        return Ref(name) if name in _BUILTINS else Value(name)

    def _defined(self, module: Module, name: str) -> Value | None:
        """A name that the module level has not come to yet: an import cycle, or a module in progress."""
        table = self._definitions.get(module.path)
        if table is None:
            table = self._definitions[module.path] = {}
            for function in module.functions:
                if function.outer is module.main and function.owner is None:
                    table[function.name] = FuncVal(function, self._envs.get(module.path))
            for cls in module.classes:
                if cls.outer is module.main and "." not in cls.scope:
                    table[cls.name] = ClassVal(cls)
        return table.get(name)

    def exported(self, path: str) -> dict[str, Value]:
        """What `from module import *` binds."""
        module = self.modules.get(path)
        if module is None:
            return {}
        names = self.global_env(module).names
        return {name: value for name, value in names.items() if not name.startswith("_")}

    def force(self, value: Value) -> Value:
        """What an imported name stands for."""
        for _ in range(8):
            if not isinstance(value, Imported):
                return value
            module = self.modules.get(value.path)
            if module is None:
                return Value(value.name or "")
            if value.name is None:
                return ModuleVal(module)
            found = self.global_env(module).names.get(value.name) or self._defined(module, value.name)
            if found is None:
                below = self.modules.locate(value.path, f".{value.name}")
                return ModuleVal(self.modules.require(below)) if below else Value(value.name)
            value = found
        return value

    def place(self, module: Module, span: Span) -> Place:
        """Lines and columns of a span, from 1."""
        starts = self._lines.get(module.path)
        if starts is None:
            starts = line_starts(module.text)
            self._lines[module.path] = starts
        first = bisect_right(starts, span[0])
        last = bisect_right(starts, max(span[1] - 1, span[0]))
        return Place(
            module.path,
            first,
            span[0] - starts[first - 1] + 1,
            last,
            span[1] - starts[last - 1] + 1,
        )

    # Running ---------------------------------------------------------------------------------

    def run(self, function: Function) -> Run:
        """Run a function with unknown arguments; a run in progress is returned as it stands."""
        found = self._runs.get(id(function))
        if found is not None:
            if not found.done:
                self.touched += 1
            return found
        module = function.module
        if function is module.main:
            env = Env(function, None)
            self._envs[module.path] = env
        else:
            env = Env(function, self.outer_env(function))
        run = Run(function, env)
        self._runs[id(function)] = run
        self._kept.append(function)
        interp = Interpreter(self, run)
        self._bind_parameters(interp, function)
        interp.contexts = tuple(calling.decorations(interp, function))
        if self._depth > 12:
            run.truncated = True
            self.touched += 1
            del self._runs[id(function)]
            return run
        touched = self.touched
        self._depth += 1
        self._stack.append(run)
        try:
            interp.block(function.body)
        except RecursionError:
            run.truncated = True
        finally:
            self._depth -= 1
            self._stack.pop()
        run.env = env
        run.heap = interp.heap
        run.result = calling.gather(interp.returns, interp.yields, function.generator)
        run.done = True
        if touched != self.touched and self._stack and not self._tired(id(function)):
            del self._runs[id(function)]
        return run

    def remember(self, table: dict[int, T], owner: object, work: Callable[[], T], unfinished: T) -> T:
        """What `work` gives for an object, kept if nothing unfinished was looked at for it."""
        key = id(owner)
        if key in table:
            if key in self._working:
                self.touched += 1
            return table[key]
        touched = self.touched
        table[key] = unfinished
        self._working.add(key)
        self._kept.append(owner)
        try:
            found = work()
        finally:
            self._working.discard(key)
            del table[key]
        if touched == self.touched or not self._stack or self._tired((id(table), key)):
            table[key] = found
        return found

    def _tired(self, key: object) -> bool:
        """Whether something was worked out in vain before: cycles of cycles must come to an end."""
        self._again[key] = self._again.get(key, 0) + 1
        return self._again[key] > 1

    def _bind_parameters(self, interp: Interpreter, function: Function) -> None:
        for position, parameter in enumerate(function.parameters):
            value: Value | None = None
            if position == 0 and calling.takes_this(function):
                assert function.owner is not None
                names = {getattr(d, "id", "") for d in function.decorators}
                this = self.classes.this(function.owner)
                value = ClassVal(function.owner) if "classmethod" in names else this
            elif getattr(parameter.default, "value", None) is None:
                # A default that is text or a number says that the annotated class is one of several types.
                value = self.classes.annotated(function.module, parameter.annotation)
            if value is None:
                default = None if parameter.default is None else evaluate(interp, parameter.default)
                value = Param(function, parameter, default)
            if not value.hint:
                value.hint = parameter.name
            interp.env.names[parameter.name] = value

    def outer_env(self, function: Function) -> Env | None:
        """Names around a function's definition."""
        if function is function.module.main:
            return None
        outer = function.outer
        if outer is None or outer is function.module.main:
            return self.global_env(function.module)
        return self.run(outer).env

    def relevant(self, function: Function) -> bool:
        """Whether a function may act on a training step: it or what it calls by name has a word for it."""
        return not TRIGGERS.isdisjoint(function.words) or not self.index.acting.isdisjoint(function.words)

    # Values on demand ------------------------------------------------------------------------

    def expand(self, value: Value) -> Value:
        """What a call of project code gives back; the value itself for anything else."""
        if not isinstance(value, Call):
            return value
        # A recursive function would unfold for ever: each expansion gives a new call of it.
        if value.generation > 5:
            return value
        return self.remember(self._expanded, value, lambda: self._expand(value), value)

    def _expand(self, value: Call) -> Value:
        callee = self.force(value.callee)
        if isinstance(callee, ClassVal):
            return Obj(callee.cls, value.args, value.keywords, made=True)
        target = callee if isinstance(callee, FuncVal) else self.entry(callee)
        if target is None:
            return value
        run = Run(value.function, Env(value.function, None))
        interp = Interpreter(self, run, silent=True)
        interp.budget = 800
        interp.generation = value.generation + 1
        given = calling.bind(target.function, target, value.args, value.keywords)
        interp.contexts = value.around
        try:
            result = calling.inline(interp, target, given, 0, value.args, value.keywords)
        except RecursionError:
            return value
        if not result.hint and not isinstance(result, (Const, Ref)):
            result.hint = value.hint
        return result

    def opened(self, value: Value) -> Value:
        """A value with project calls run through, where that takes no new file."""
        if isinstance(value, Call):
            callee = value.callee
            if isinstance(callee, Imported) and not self.may_matter(callee.path):
                return value
            if isinstance(callee, (FuncVal, Imported, Obj)):
                return self.expand(value)
        return value

    def entered(self, context: Value) -> Value:
        """What `with context as name` binds."""
        opened = self.opened(context)
        if isinstance(opened, Obj):
            enter = self.classes.method(opened.cls, "__enter__")
            if enter is not None:
                return self.run(enter).result or opened
        return element(opened) if opened is not context else context

    def entry(self, callee: Value) -> FuncVal | None:
        """The function that runs when an object of the project is called."""
        callee = unwrapped(self, callee)
        if isinstance(callee, Obj):
            for name in ("__call__", "forward"):
                found = self.classes.method(callee.cls, name)
                if found is not None:
                    return FuncVal(found, None, callee)
        return None

    def attribute(self, base: Value, name: str, interp: Interpreter | None = None) -> Value:
        """Value of `base.name`."""
        if isinstance(base, Ref):
            return Ref(f"{base.name}.{name}")
        if isinstance(base, Imported):
            if base.name is None:
                below = self.modules.locate(base.path, f".{name}")
                if below is not None and base.path.endswith("__init__.py"):
                    return Imported(below, None)
                return Imported(base.path, name)
            base = self.force(base)
            return self.attribute(base, name, interp) if not isinstance(base, Imported) else Attr(base, name)
        if isinstance(base, ModuleVal):
            return self.force(Imported(base.module.path, name))
        if isinstance(base, Choice):
            if isinstance(base.then, Const):
                return self.attribute(base.other, name, interp)
            if isinstance(base.other, Const):
                return self.attribute(base.then, name, interp)
            if isinstance(base.then, (Obj, Choice)) or isinstance(base.other, (Obj, Choice)):
                key = (".", name)
                if key not in base.derived:
                    base.derived[key] = Attr(base, name)
                    then = self.attribute(base.then, name, interp)
                    base.derived[key] = Choice(base.test, then, self.attribute(base.other, name, interp))
                return base.derived[key]
        found = self.attributes.of(base, name)
        return found if found is not None else Attr(base, name)

    def element(self, value: Value) -> Value:
        """One element of an iterable, project calls run through."""
        return element(self.opened(value))

    def item(self, value: Value, index: Value) -> Value:
        """`value[index]`, project calls run through."""
        return item(self.opened(value), index)
