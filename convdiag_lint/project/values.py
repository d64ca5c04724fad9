"""What an expression may be: values as graphs of where they came from.

The interpreter runs code on these instead of numbers. A value knows the calls and operators that
made it, so that a rule can ask where a loss, a time or an input came from. Values are compared by
identity and never changed after they were made, but for a hint of the name they were first bound to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convdiag_lint.events import Guard
    from convdiag_lint.reading.syntax import Class, Function, Module, Parameter, Span


class Value:
    """Something that nothing is known of."""

    __slots__ = ("hint",)

    def __init__(self, hint: str = "") -> None:
        self.hint = hint
        """The name it was first bound to."""

    def parts(self) -> tuple[Value, ...]:
        """Values that this one was made from."""
        return ()


class Const(Value):
    """A literal."""

    __slots__ = ("value",)

    def __init__(self, value: object) -> None:
        self.hint = ""
        self.value = value


class Ref(Value):
    """Something outside the project, by qualified name: `torch.optim.Adam`."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.hint = ""
        self.name = name


class Imported(Value):
    """A name in a module of the project that nothing has asked for yet; no name: the module."""

    __slots__ = ("name", "path")

    def __init__(self, path: str, name: str | None) -> None:
        self.hint = ""
        self.path = path
        self.name = name


class ModuleVal(Value):
    """A module of the project."""

    __slots__ = ("module",)

    def __init__(self, module: Module) -> None:
        self.hint = ""
        self.module = module


class Env:
    """Names of one running function; a nested function sees those around it."""

    __slots__ = ("function", "names", "outer")

    def __init__(self, function: Function, outer: Env | None) -> None:
        self.function = function
        self.names: dict[str, Value] = {}
        self.outer = outer


class FuncVal(Value):
    """A function of the project; `this` is the object that a method is bound to."""

    __slots__ = ("env", "function", "this")

    def __init__(self, function: Function, env: Env | None = None, this: Value | None = None) -> None:
        self.hint = ""
        self.function = function
        self.env = env
        self.this = this


class ClassVal(Value):
    """A class of the project."""

    __slots__ = ("cls",)

    def __init__(self, cls: Class) -> None:
        self.hint = ""
        self.cls = cls


class Obj(Value):
    """An instance of a class of the project; without arguments, any instance."""

    __slots__ = ("args", "cls", "keywords", "made")

    def __init__(
        self,
        cls: Class,
        args: tuple[Value, ...] = (),
        keywords: dict[str, Value] | None = None,
        made: bool = False,
    ) -> None:
        self.hint = ""
        self.cls = cls
        self.args = args
        self.keywords = keywords or {}
        self.made = made
        """Whether the constructor call was seen."""

    def parts(self) -> tuple[Value, ...]:
        return (*self.args, *self.keywords.values())


class SuperVal(Value):
    """`super()` inside a method of a class."""

    __slots__ = ("cls", "this")

    def __init__(self, cls: Class, this: Value) -> None:
        self.hint = ""
        self.cls = cls
        self.this = this


class Call(Value):
    """The result of a call that was not run through: of a library, or of project code on demand."""

    __slots__ = ("args", "around", "callee", "function", "generation", "guards", "keywords", "loops", "span")

    def __init__(
        self,
        callee: Value,
        args: tuple[Value, ...],
        keywords: dict[str, Value],
        function: Function,
        span: Span,
        around: tuple[Value, ...] = (),
        guards: tuple[Guard, ...] = (),
        loops: tuple[int, ...] = (),
        generation: int = 0,
    ) -> None:
        self.hint = ""
        self.callee = callee
        self.args = args
        self.keywords = keywords
        self.function = function
        """The function in which the call stands."""
        self.span = span
        self.around = around
        """Contexts of the `with` blocks around the call, outermost first."""
        self.guards = guards
        self.loops = loops
        self.generation = generation
        """How many calls were expanded on demand to get to this one."""

    def parts(self) -> tuple[Value, ...]:
        return (self.callee, *self.args, *self.keywords.values())

    def argument(self, position: int, name: str) -> Value | None:
        """An argument by keyword or position."""
        found = self.keywords.get(name)
        if found is None and 0 <= position < len(self.args):
            found = self.args[position]
        return found


class Attr(Value):
    """`base.name` where the base is not a project object that knows the attribute."""

    __slots__ = ("base", "name")

    def __init__(self, base: Value, name: str) -> None:
        self.hint = ""
        self.base = base
        self.name = name

    def parts(self) -> tuple[Value, ...]:
        return (self.base,)


class Item(Value):
    """`base[index]`."""

    __slots__ = ("base", "index")

    def __init__(self, base: Value, index: Value) -> None:
        self.hint = ""
        self.base = base
        self.index = index

    def parts(self) -> tuple[Value, ...]:
        return (self.base, self.index)


class Op(Value):
    """An operator: arithmetic by its symbol, comparisons, `and`, `or`, `not`, `format`, `slice`."""

    __slots__ = ("op", "operands")

    def __init__(self, op: str, operands: tuple[Value, ...]) -> None:
        self.hint = ""
        self.op = op
        self.operands = operands

    def parts(self) -> tuple[Value, ...]:
        return self.operands


class Choice(Value):
    """One of two values; `test` says which, where that is known."""

    __slots__ = ("derived", "other", "test", "then", "width")

    def __init__(self, test: Value | None, then: Value, other: Value) -> None:
        self.hint = then.hint or other.hint
        self.derived: dict[object, Value] = {}
        """Items and attributes already taken of it: choices share their parts, and working one
        out for each path to it would take time exponential in the number of branches."""
        self.test = test
        self.then = then
        self.other = other
        self.width: int = sum(part.width if isinstance(part, Choice) else 1 for part in (then, other))
        """Ways through the branches to a plain value, those that share an end counted each."""

    def parts(self) -> tuple[Value, ...]:
        return (self.then, self.other)


class Param(Value):
    """A parameter of the function that a run starts in."""

    __slots__ = ("default", "function", "parameter")

    def __init__(self, function: Function, parameter: Parameter, default: Value | None) -> None:
        self.hint = parameter.name
        self.function = function
        self.parameter = parameter
        self.default = default


class Setting(Value):
    """A switch that the user may set: a dataclass field, a command-line option."""

    __slots__ = ("default", "name")

    def __init__(self, name: str, default: Value | None) -> None:
        self.hint = name
        self.name = name
        self.default = default


class Elem(Value):
    """One element of an iterable: a loop variable."""

    __slots__ = ("iterable",)

    def __init__(self, iterable: Value) -> None:
        self.hint = ""
        self.iterable = iterable

    def parts(self) -> tuple[Value, ...]:
        return (self.iterable,)


class Seq(Value):
    """A tuple, list or set; `each` for a comprehension, whose one item stands for all."""

    __slots__ = ("items", "kind", "lazy")

    def __init__(self, kind: str, items: tuple[Value, ...], lazy: bool = False) -> None:
        self.hint = ""
        self.kind = kind
        self.items = items
        self.lazy = lazy
        """Whether it is a generator expression, which can be gone through once."""

    def grow(self, values: tuple[Value, ...]) -> None:
        """Take what is appended: from then on the first of it stands for all elements."""
        if self.kind == "list" and not self.items:
            self.kind = "each"
        if len(self.items) < 8:
            self.items += values

    def parts(self) -> tuple[Value, ...]:
        return self.items


class Map(Value):
    """A dict display; a key of None stands for `**mapping`."""

    __slots__ = ("items",)

    def __init__(self, items: tuple[tuple[Value | None, Value], ...]) -> None:
        self.hint = ""
        self.items = items

    def parts(self) -> tuple[Value, ...]:
        return tuple(value for _, value in self.items)


def walk(value: Value, limit: int = 4000) -> Iterator[Value]:
    """A value and all that it was made from, each once, nearest first."""
    seen = {id(value)}
    queue = [value]
    for found in queue:
        yield found
        if len(queue) > limit:
            continue
        for part in found.parts():
            if id(part) not in seen:
                seen.add(id(part))
                queue.append(part)


def call_name(value: Value | None) -> str | None:
    """Last name of what a call calls, however it is spelled."""
    if not isinstance(value, Call):
        return None
    callee = value.callee
    if isinstance(callee, Ref):
        return callee.name.rpartition(".")[2]
    if isinstance(callee, Attr):
        return callee.name
    if isinstance(callee, FuncVal):
        return callee.function.name
    return callee.name if isinstance(callee, Imported) else None


def describe(value: object, depth: int = 5) -> str:
    """Short text of a value as code: for messages, and to tell equal conditions."""
    if value is None:
        return "?"
    if depth <= 0:
        return "…"
    deeper = depth - 1
    if isinstance(value, Const):
        return repr(value.value)
    if isinstance(value, Ref):
        return value.name
    if isinstance(value, (Param, Setting)):
        return value.hint
    if isinstance(value, Attr):
        return f"{describe(value.base, deeper)}.{value.name}"
    if isinstance(value, Item):
        return f"{describe(value.base, deeper)}[{describe(value.index, deeper)}]"
    if isinstance(value, Call):
        args = [describe(a, deeper) for a in value.args]
        args += [f"{k}={describe(v, deeper)}" for k, v in value.keywords.items()]
        return f"{describe(value.callee, deeper)}({', '.join(args)})"
    if isinstance(value, Op):
        inner = [describe(o, deeper) for o in value.operands]
        return f"{value.op} {inner[0]}" if len(inner) == 1 else f" {value.op} ".join(inner)
    if isinstance(value, FuncVal):
        return value.function.scope
    if isinstance(value, Imported):
        return value.name or value.path
    if isinstance(value, ClassVal):
        return value.cls.name
    if isinstance(value, Obj):
        return value.hint or value.cls.name
    if isinstance(value, Choice):
        return f"({describe(value.then, deeper)} or {describe(value.other, deeper)})"
    if isinstance(value, Elem):
        return f"each {describe(value.iterable, deeper)}"
    if isinstance(value, Seq):
        return "[" + ", ".join(describe(i, deeper) for i in value.items[:6]) + "]"
    return (value.hint if isinstance(value, Value) else "") or "?"
