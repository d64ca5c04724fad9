"""Classes and objects of a project: bases, methods, and where attributes come from."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from convdiag_lint.project.expressions import evaluate
from convdiag_lint.project.interpreter import Interpreter
from convdiag_lint.project.run import Run
from convdiag_lint.project.values import (
    Attr,
    Call,
    Choice,
    ClassVal,
    Const,
    Env,
    FuncVal,
    Imported,
    Item,
    Obj,
    Ref,
    Setting,
    SuperVal,
    Value,
)
from convdiag_lint.reading import syntax

if TYPE_CHECKING:
    from convdiag_lint.project.program import Program
    from convdiag_lint.reading.syntax import Class, Function, Module

TRANSPARENT = frozenset(
    "DataParallel DistributedDataParallel FullyShardedDataParallel DDP FSDP compile script script_module"
    " convert_sync_batchnorm SyncBatchNorm nearest trace".split()
)
"""Calls that hand their first argument on as a module that behaves the same."""
SAME = frozenset("to cuda cpu train eval float double half bfloat16 requires_grad_ share_memory unwrap_model".split())
"""Methods of a module that return it."""


class Classes:
    """Look-ups on the classes of one program."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._this: dict[int, Obj] = {}
        self._made: dict[int, dict[str, Value]] = {}
        self._linear: dict[int, list[Class]] = {}
        self._outside: dict[int, list[str]] = {}
        self._subclasses: dict[tuple[int, str], list[Class]] = {}
        self._unwrapped: dict[int, Value] = {}
        self._attributes: dict[int, tuple[Obj, dict[int, Value | None]]] = {}
        self._tokens: dict[tuple[int, str], object] = {}
        self._kept: list[object] = []

    def this(self, cls: Class) -> Obj:
        """The object that stands for any instance of a class."""
        if id(cls) not in self._this:
            self._this[id(cls)] = made = Obj(cls)
            # Named once and for all: who binds it first depends on what is asked first.
            made.hint = cls.name
        return self._this[id(cls)]

    # Bases and methods -----------------------------------------------------------------------

    def linear(self, cls: Class) -> list[Class]:
        """A class and its bases in the project, in the order in which names are looked up."""
        if id(cls) not in self._linear:
            self._linear[id(cls)] = [cls]
            found = [cls]
            outside: list[str] = []
            env = self._around(cls)
            for expr in cls.bases:
                base = self._static(cls.module, env, expr)
                if isinstance(base, ClassVal):
                    for other in self.linear(base.cls):
                        if other not in found:
                            found.append(other)
                    outside.extend(self._outside.get(id(base.cls), ()))
                elif isinstance(base, Ref):
                    outside.append(base.name)
            self._linear[id(cls)] = found
            self._outside[id(cls)] = outside
        return self._linear[id(cls)]

    def outside(self, cls: Class) -> list[str]:
        """Qualified names of the bases that are not in the project."""
        self.linear(cls)
        return self._outside.get(id(cls), [])

    def is_a(self, cls: Class, *ends: str) -> bool:
        """Whether a base outside the project has one of these last names."""
        return any(name.rpartition(".")[2] in ends for name in self.outside(cls))

    def _around(self, cls: Class) -> Env:
        env = None if cls.outer is None or cls.outer is cls.module.main else self.program.run(cls.outer).env
        return env if env is not None else self.program.global_env(cls.module)

    def _static(self, module: Module, env: Env | None, expr: syntax.Expr) -> Value:
        run = Run(module.main, Env(module.main, env))
        return self.program.force(evaluate(Interpreter(self.program, run, silent=True), expr))

    def method(self, cls: Class, name: str) -> Function | None:
        """A method by name; one with an empty body gives way to a subclass's."""
        empty: Function | None = None
        for owner in self.linear(cls):
            found = owner.methods.get(name)
            if found is not None and not is_empty(found):
                return found
            empty = empty or found
        if empty is not None:
            for owner in self.subclasses(cls, name):
                found = owner.methods.get(name)
                if found is not None and not is_empty(found):
                    return found
        return empty

    def implementations(self, cls: Class, name: str) -> list[Function]:
        """What a method may be: the class's own, or where that is empty each subclass's."""
        own = self.method(cls, name)
        if own is None or own.owner in self.linear(cls):
            return [] if own is None else [own]
        return [
            o.methods[name] for o in self.subclasses(cls, name) if name in o.methods and not is_empty(o.methods[name])
        ]

    def subclasses(self, cls: Class, word: str) -> list[Class]:
        """Classes of the project below a class whose files have a word for something, by path.

        The files are searched as text first: a base class may have a hundred heirs, and to parse
        them all for an attribute that none has would cost more than everything else.
        """
        key = (id(cls), word)
        if key not in self._subclasses:
            self._subclasses[key] = []
            self._kept.append(cls)
            found: list[Class] = []
            plain = word.encode()
            wanted = re.compile(rb"(?:\bdef\s+|\bself\.)%s\b" % re.escape(plain))
            for path in self.program.files.deriving(cls.name):
                data = self.program.files.read(path)
                if plain not in data or wanted.search(data) is None:
                    continue
                module = self.program.modules.get(path)
                for other in module.classes if module is not None else ():
                    if other is not cls and cls in self.linear(other):
                        found.append(other)
            self._subclasses[key] = found
        return self._subclasses[key]

    # Attributes ------------------------------------------------------------------------------

    def attribute(self, base: Value, name: str) -> Value | None:
        """Value of an attribute of an object or class of the project; None if it has none."""
        if isinstance(base, SuperVal):
            return self._super(base, name)
        if isinstance(base, ClassVal):
            found = self.method(base.cls, name)
            if found is not None:
                names = {getattr(d, "id", "") for d in found.decorators}
                return FuncVal(found, None, base if "classmethod" in names else None)
            return self._field(base.cls, name)
        if isinstance(base, Obj):
            held = self._attributes.setdefault(id(base), (base, {}))[1]
            token = self._tokens.setdefault((id(base), name), object())
            return self.program.remember(held, token, lambda: self._of_object(base, name), None)
        if isinstance(base, Call):
            return self._of_call(base, name)
        return None

    def _of_call(self, base: Call, name: str) -> Value | None:
        callee = base.callee
        if name == "module":
            inner = self.unwrapped(base)
            return inner if inner is not base else None
        if isinstance(callee, Attr) and callee.name in ("parse_args", "parse_known_args"):
            return Setting(name, self.option(base, name))
        if isinstance(callee, (FuncVal, Imported)):
            opened = self.program.opened(base)
            if opened is not base:
                return self.program.attribute(opened, name)
        inner = self.unwrapped(base)
        if inner is not base and isinstance(inner, Obj):
            return self.program.attribute(inner, name)
        return None

    def option(self, parsed: Call, name: str) -> Value | None:
        """Default of a command-line option, from the `add_argument` calls on its parser."""
        assert isinstance(parsed.callee, Attr)
        functions = [parsed.function]
        parser = parsed.callee.base
        if isinstance(parser, Call):
            functions.append(parser.function)
            maker = self.program.force(parser.callee)
            if isinstance(maker, FuncVal):
                functions.append(maker.function)
        for call in (call for function in functions for call in self.program.run(function).calls):
            if isinstance(call.callee, Attr) and call.callee.name == "add_argument":
                found = _option(call, name)
                if found is not None:
                    return found
        return None

    def _super(self, base: SuperVal, name: str) -> Value | None:
        line = self.linear(base.this.cls) if isinstance(base.this, Obj) else self.linear(base.cls)
        after = line[line.index(base.cls) + 1 :] if base.cls in line else self.linear(base.cls)[1:]
        for owner in after:
            if name in owner.methods:
                return FuncVal(owner.methods[name], None, base.this)
        outside = self.outside(base.cls)
        return Ref(f"{outside[0]}.{name}") if outside else None

    def _of_object(self, base: Obj, name: str) -> Value | None:
        assigned = self._assigned(base, name)
        if assigned is not None:
            return assigned
        if base.made and name in base.cls.fields:
            # A dataclass or named tuple: fields in order of the constructor's arguments.
            position = list(base.cls.fields).index(name)
            if name in base.keywords:
                return base.keywords[name]
            if position < len(base.args):
                return base.args[position]
        found = self.implementations(base.cls, name)
        if found:
            value: Value = self._bound(found[0], base)
            for other in found[1:]:
                value = Choice(Value(f"which {name}"), value, self._bound(other, base))
            return value
        field = self._field(base.cls, name)
        vacant = isinstance(field, Const) and field.value is None
        if field is not None and not vacant:
            return field
        for cls in self.subclasses(base.cls, name) if not base.made else ():
            if name in cls.writers:
                value_below = self._assigned(self.this(cls), name)
                if value_below is not None:
                    return value_below
        return field

    def _bound(self, method: Function, base: Obj) -> Value:
        names = {getattr(d, "id", getattr(d, "name", "")) for d in method.decorators}
        target = FuncVal(method, None, None if "staticmethod" in names else base)
        if names & {"property", "cached_property"}:
            return Call(target, (), {}, method, method.span)
        return target

    def _assigned(self, base: Obj, name: str) -> Value | None:
        line = self.linear(base.cls)
        writers = [w for cls in line for w in cls.writers.get(name, ())]
        if not writers:
            return None
        first = self._constructed(base).get(name)
        for cls in line if first is None else ():
            # Set by the constructor of a base class, run on that class's own object.
            begin = cls.methods.get("__init__")
            if begin is not None and begin in writers:
                first = self.program.run(begin).heap.get((id(self.this(cls)), name))
                break
        later = [w for w in writers if w.name != "__init__"]
        if first is not None and not (isinstance(first, Const) and later):
            return first
        this = self.this(base.cls)
        for method in later:
            owner = self.this(method.owner) if method.owner is not None else this
            run = self.program.run(method)
            found = run.heap.get((id(owner), name))
            if found is not None and not isinstance(found, Const):
                return found
        if isinstance(first, Const):
            return Setting(name, first)
        return None

    def _constructed(self, base: Obj) -> dict[str, Value]:
        """Attributes after the constructor ran, with this object's own arguments if they are known."""
        return self.program.remember(self._made, base, lambda: self._construct(base), {})

    def _construct(self, base: Obj) -> dict[str, Value]:
        key = id(base)
        found: dict[str, Value] = {}
        method = self.method(base.cls, "__init__")
        if method is None:
            return found
        if not base.made:
            run = self.program.run(method)
            ids = {id(self.this(cls)) for cls in self.linear(base.cls)} | {id(base)}
            found.update({name: value for (owner, name), value in run.heap.items() if owner in ids})
            # The inherited constructor ran on its own class's object.
            return found
        from convdiag_lint.project import calling

        run = Run(method, Env(method, None))
        interp = Interpreter(self.program, run, silent=True)
        interp.budget = 1500
        target = FuncVal(method, None, base)
        given = calling.bind(method, target, base.args, base.keywords)
        calling.inline(interp, target, given, 0, base.args, base.keywords)
        found.update({name: value for (owner, name), value in interp.heap.items() if owner == key})
        return found

    def _field(self, cls: Class, name: str) -> Value | None:
        for owner in self.linear(cls):
            if name not in owner.fields:
                continue
            annotation, default = owner.fields[name]
            value = None if default is None else self._static(owner.module, self._around(owner), default)
            if annotation is None:
                return value
            made = self.annotated(owner.module, annotation)
            if isinstance(value, Call) and "default" in value.keywords:
                value = value.keywords["default"]
            if made is not None and (value is None or isinstance(value, Call)):
                return made
            return Setting(name, value)
        return None

    def annotated(self, module: Module, annotation: syntax.Expr | None) -> Obj | None:
        """An instance of the project class that an annotation names; `Optional` and quotes seen through."""
        if annotation is None:
            return None
        if isinstance(annotation, syntax.Operation) and annotation.op == "|":
            return self.annotated(module, annotation.operands[0]) or self.annotated(module, annotation.operands[1])
        if isinstance(annotation, syntax.Subscript):
            base = annotation.base
            if getattr(base, "id", getattr(base, "name", "")) == "Optional":
                return self.annotated(module, annotation.index)
            return None
        if isinstance(annotation, syntax.Literal) and isinstance(annotation.value, str):
            if not annotation.value.isidentifier():
                return None
            annotation = syntax.Name(annotation.value)
        if not isinstance(annotation, (syntax.Name, syntax.Attribute)):
            return None
        value = self._raw(module, annotation)
        if isinstance(value, Imported):
            value = self.program.force(value)
        return self.this(value.cls) if isinstance(value, ClassVal) else None

    def _raw(self, module: Module, expr: syntax.Expr) -> Value:
        env = self.program.global_env(module)
        if isinstance(expr, syntax.Name):
            return env.names.get(expr.id) or Ref(expr.id)
        run = Run(module.main, Env(module.main, env))
        return evaluate(Interpreter(self.program, run, silent=True), expr)

    def unwrapped(self, value: Value) -> Value:
        """A module without DataParallel, compile, `.to(device)` and the like around it."""
        return self.program.remember(self._unwrapped, value, lambda: self._unwrap(value), value)

    def _unwrap(self, value: Value) -> Value:
        for _ in range(8):
            if isinstance(value, Call):
                callee = value.callee
                if isinstance(callee, Ref) and callee.name.rpartition(".")[2] in TRANSPARENT and value.args:
                    value = value.args[0]
                    continue
                if isinstance(callee, Attr) and callee.name in SAME:
                    value = value.args[0] if callee.name == "unwrap_model" and value.args else callee.base
                    continue
                if isinstance(callee, Attr) and callee.name == "prepare" and len(value.args) == 1:
                    value = value.args[0]
                    continue
                if isinstance(callee, (FuncVal, Imported)):
                    opened = self.program.opened(value)
                    if opened is value:
                        return value
                    value = opened
                    continue
            elif isinstance(value, Item) and isinstance(value.base, Call) and isinstance(value.index, Const):
                callee = value.base.callee
                position = value.index.value
                if isinstance(callee, Attr) and callee.name in ("prepare", "setup") and isinstance(position, int):
                    if position < len(value.base.args):
                        value = value.base.args[position]
                        continue
            elif isinstance(value, Attr) and value.name == "module":
                value = value.base
                continue
            elif isinstance(value, Choice):
                then, other = self.unwrapped(value.then), self.unwrapped(value.other)
                if then is other or isinstance(other, Const):
                    return then
                if isinstance(then, Const):
                    return other
            return value
        return value


def _option(call: Call, name: str) -> Value | None:
    """Default of an option if this `add_argument` call declares it."""
    flags = [a.value for a in call.args if isinstance(a, Const) and isinstance(a.value, str)]
    dest = call.keywords.get("dest")
    if isinstance(dest, Const):
        flags = [str(dest.value)]
    if name not in [flag.lstrip("-").replace("-", "_") for flag in flags]:
        return None
    default, action = call.keywords.get("default"), call.keywords.get("action")
    if default is None and isinstance(action, Const) and action.value in ("store_true", "store_false"):
        return Const(action.value == "store_false")
    return default if default is not None else Const(None)


def is_empty(function: Function) -> bool:
    """Whether a body does nothing: `pass`, `...`, a docstring, or an abstract method's raise."""
    for stmt in function.body:
        if isinstance(stmt, syntax.Leave) and stmt.kind in ("pass", "raise"):
            continue
        if isinstance(stmt, syntax.Evaluate) and isinstance(stmt.value, syntax.Literal):
            continue
        return False
    return True
