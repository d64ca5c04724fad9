"""Where the attributes of objects come from: constructors, other methods, fields, properties, options."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convdiag_lint.project import calling
from convdiag_lint.project.interpreter import Interpreter
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
    Obj,
    Ref,
    Setting,
    SuperVal,
    Value,
)

if TYPE_CHECKING:
    from convdiag_lint.project.program import Program
    from convdiag_lint.reading.syntax import Class, Function


class Attributes:
    """Look-ups on the objects of one program."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.classes = program.classes
        self._made: dict[int, dict[str, Value]] = {}
        self._attributes: dict[int, tuple[Obj, dict[int, Value | None]]] = {}
        self._tokens: dict[tuple[int, str], object] = {}

    def of(self, base: Value, name: str) -> Value | None:
        """Value of an attribute of an object or class of the project; None if it has none."""
        if isinstance(base, SuperVal):
            return self._super(base, name)
        if isinstance(base, ClassVal):
            found = self.classes.method(base.cls, name)
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
            inner = unwrapped(self.program, base)
            return inner if inner is not base else None
        if isinstance(callee, Attr) and callee.name in ("parse_args", "parse_known_args"):
            return Setting(name, self.option(base, name))
        if isinstance(callee, (FuncVal, Imported)):
            opened = self.program.opened(base)
            if opened is not base:
                return self.program.attribute(opened, name)
        inner = unwrapped(self.program, base)
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
        line = self.classes.linear(base.this.cls if isinstance(base.this, Obj) else base.cls)
        after = line[line.index(base.cls) + 1 :] if base.cls in line else self.classes.linear(base.cls)[1:]
        for owner in after:
            if name in owner.methods:
                return FuncVal(owner.methods[name], None, base.this)
        outside = self.classes.outside(base.cls)
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
        found = self.classes.implementations(base.cls, name)
        if found:
            value: Value = self._bound(found[0], base)
            for other in found[1:]:
                value = Choice(Value(f"which {name}"), value, self._bound(other, base))
            return value
        field = self._field(base.cls, name)
        vacant = isinstance(field, Const) and field.value is None
        if field is not None and not vacant:
            return field
        for cls in self.classes.subclasses(base.cls, name) if not base.made else ():
            if name in cls.writers:
                value_below = self._assigned(self.classes.this(cls), name)
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
        line = self.classes.linear(base.cls)
        writers = [w for cls in line for w in cls.writers.get(name, ())]
        if not writers:
            return None
        first = self._constructed(base).get(name)
        for cls in line if first is None else ():
            # Set by the constructor of a base class, run on that class's own object.
            begin = cls.methods.get("__init__")
            if begin is not None and begin in writers:
                first = self.program.run(begin).heap.get((id(self.classes.this(cls)), name))
                break
        later = [w for w in writers if w.name != "__init__"]
        if first is not None and not (isinstance(first, Const) and later):
            return first
        this = self.classes.this(base.cls)
        for method in later:
            owner = self.classes.this(method.owner) if method.owner is not None else this
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
        found: dict[str, Value] = {}
        method = self.classes.method(base.cls, "__init__")
        if method is None:
            return found
        if not base.made:
            run = self.program.run(method)
            ids = {id(self.classes.this(cls)) for cls in self.classes.linear(base.cls)} | {id(base)}
            found.update({name: value for (owner, name), value in run.heap.items() if owner in ids})
            # The inherited constructor ran on its own class's object.
            return found
        run = Run(method, Env(method, None))
        interp = Interpreter(self.program, run, silent=True)
        interp.budget = 1500
        target = FuncVal(method, None, base)
        given = calling.bind(method, target, base.args, base.keywords)
        calling.inline(interp, target, given, 0, base.args, base.keywords)
        found.update({name: value for (owner, name), value in interp.heap.items() if owner == id(base)})
        return found

    def _field(self, cls: Class, name: str) -> Value | None:
        for owner in self.classes.linear(cls):
            if name not in owner.fields:
                continue
            annotation, default = owner.fields[name]
            value = None if default is None else self.classes.evaluated(owner, default)
            if annotation is None:
                return value
            made = self.classes.annotated(owner.module, annotation)
            if isinstance(value, Call) and "default" in value.keywords:
                value = value.keywords["default"]
            if made is not None and (value is None or isinstance(value, Call)):
                return made
            return Setting(name, value)
        return None


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
