"""Deciding switches: what a setting is unless somebody sets it, and which branch that takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convdiag_lint.events import EventKind
from convdiag_lint.project.expressions import binary, truth
from convdiag_lint.project.values import (
    Attr,
    Call,
    Choice,
    ClassVal,
    Const,
    FuncVal,
    Imported,
    Item,
    Map,
    Obj,
    Op,
    Param,
    Ref,
    Seq,
    Setting,
    Value,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from convdiag_lint.project.program import Program
    from convdiag_lint.reading.syntax import Function

_DEEPEST = 24
"""How many defaults may depend on each other."""
_MOST_ENTRIES = 6
"""Of a table of functions that is looked through."""
_TEXT_METHODS: dict[str, Callable[[str], str]] = {"lower": str.lower, "upper": str.upper, "strip": str.strip}
_BUILT_IN: dict[str, type] = {"str": str, "int": int, "float": float, "bool": bool}


def default_of(program: Program, value: Value) -> Value:
    """What a parameter or switch is unless somebody sets it."""
    if isinstance(value, (Const, FuncVal, ClassVal, Obj, Ref)):
        return value
    known: dict[int, Value] = program.facts.setdefault("defaults", {})
    depth: list[int] = program.facts.setdefault("depth of defaults", [0])
    if depth[0] >= _DEEPEST:
        # What rests on this is unfinished, and not to be kept.
        program.touched += 1
        return value
    depth[0] += 1
    try:
        return program.remember(known, value, lambda: _default(program, value), value)
    finally:
        depth[0] -= 1


def _default(program: Program, value: Value) -> Value:
    if isinstance(value, Setting):
        plain = value.default if value.default is not None else declared(program, value.name)
        return default_of(program, plain) if plain is not None else value
    if isinstance(value, Param):
        return _of_parameter(program, value)
    if isinstance(value, Choice):
        chosen = choose(program, value)
        return default_of(program, chosen) if chosen is not value else value
    if isinstance(value, Attr):
        return _of_attribute(program, value)
    if isinstance(value, Item):
        return _of_item(program, value)
    if isinstance(value, Op):
        return _of_operation(program, value.op, tuple(default_of(program, o) for o in value.operands))
    if isinstance(value, Call):
        return _of_call(program, value)
    if isinstance(value, Imported):
        return program.force(value)
    return value


def choose(program: Program, value: Choice) -> Value:
    """The branch that the defaults take; the choice itself where they do not say."""
    if value.test is not None:
        known = truth(default_of(program, value.test))
        if known is not None:
            return value.then if known else value.other
    for option, rest in ((value.then, value.other), (value.other, value.then)):
        plain = option if isinstance(option, Choice) else default_of(program, option)
        if isinstance(plain, Const) and plain.value is None:
            return rest
    return value


def equal(first: Value, second: Value) -> bool | None:
    """Whether two values are equal: literals, functions, classes, members of an enumeration; None if unknown."""
    if first is second:
        return True
    if isinstance(first, Const) and isinstance(second, Const):
        return first.value == second.value
    if isinstance(first, FuncVal) and isinstance(second, FuncVal):
        return first.function is second.function
    if isinstance(first, ClassVal) and isinstance(second, ClassVal):
        return first.cls is second.cls
    if _numbered(first) and _numbered(second):
        assert isinstance(first, Call)
        assert isinstance(second, Call)
        return first.span == second.span and first.function.module is second.function.module
    return None


def _numbered(value: Value) -> bool:
    """Whether a value is a member of an enumeration that numbers itself."""
    return isinstance(value, Call) and isinstance(value.callee, Ref) and value.callee.name == "enum.auto"


def declared(program: Program, name: str) -> Value | None:
    """Default of a command-line option declared away from its parser, in a function that was handed it."""
    known: dict[str, Value | None] = program.facts.setdefault("options declared", {})
    if name not in known:
        known[name] = None
        flags = tuple(flag.encode() for flag in (f"--{name}", f"--{name.replace('_', '-')}"))
        found: list[Value] = []
        for path in list(program.files.calling("add_argument"))[:40]:
            text = program.files.read(path)
            module = program.modules.get(path) if any(flag in text for flag in flags) else None
            for function in (module.main, *module.functions) if module is not None else ():
                if "add_argument" in function.words:
                    found += _declared_in(program, function, name)
        if found and all(equal(other, found[0]) for other in found):
            known[name] = found[0]
    return known[name]


def _declared_in(program: Program, function: Function, name: str) -> list[Value]:
    found: list[Value] = []
    for call in program.run(function).calls:
        if call.function is function and isinstance(call.callee, Attr) and call.callee.name == "add_argument":
            flags = [a.value.lstrip("-").replace("-", "_") for a in call.args
                     if isinstance(a, Const) and isinstance(a.value, str)]  # fmt: skip
            default = call.keywords.get("default")
            if name in flags and isinstance(default, Const):
                found.append(default)
    return found


def _of_parameter(program: Program, value: Param) -> Value:
    """What the callers pass if they agree, or else what those that train pass."""
    sites = program.callers.of(value.function)
    default = value.default
    given: list[Value | None] = [site.given.get(value.parameter.name, default) for site in sites]
    for chosen in (sites, [site for site in sites if _trains(program, site.caller)]):
        passed = [site.given.get(value.parameter.name, default) for site in chosen]
        plain = [default_of(program, bound) for bound in passed if bound is not None]
        if plain and all(equal(other, plain[0]) for other in plain):
            return default_of(program, plain[0])
        if not plain and not sites and default is not None:
            return default_of(program, default)
    # What is off by default, and turned on by nobody that can be read, is off.
    if isinstance(default, Const) and default.value in (None, False):
        known = [default_of(program, bound) for bound in given if bound is not None]
        if all(equal(bound, default) or _open(bound) for bound in known):
            return default
    return value


def _open(value: Value) -> bool:
    """Whether a value is a parameter or setting that nothing decides."""
    return isinstance(value, (Param, Setting))


def _trains(program: Program, function: Function) -> bool:
    return any(event.kind is EventKind.BACKWARD for event in program.run(function).events)


def _of_attribute(program: Program, value: Attr) -> Value:
    holder = choose(program, value.base) if isinstance(value.base, Choice) else value.base
    if isinstance(holder, Param):
        for given in program.callers.bindings(holder)[:4]:
            opened = program.attribute(program.opened(given), value.name)
            plain = default_of(program, opened)
            if isinstance(plain, Const):
                return plain
        return value
    base = default_of(program, value.base)
    if base is value.base or not isinstance(base, (Obj, ClassVal)):
        return value
    opened = program.attribute(base, value.name)
    return value if isinstance(opened, Attr) else default_of(program, opened)


def _of_item(program: Program, value: Item) -> Value:
    """An entry of a table of options, by the default of the key."""
    base = default_of(program, value.base)
    index = default_of(program, value.index)
    if isinstance(base, Map):
        for key, entry in reversed(base.items):
            same = None if key is None else equal(default_of(program, key), index)
            if same:
                return default_of(program, entry)
            if same is None:
                return value
        return value
    if base is not value.base or index is not value.index:
        opened = program.item(base, index)
        return value if isinstance(opened, Item) else default_of(program, opened)
    return value


def _of_operation(program: Program, op: str, parts: tuple[Value, ...]) -> Value:
    if op in ("in", "not in") and len(parts) == 2:
        found = _contained(program, parts[0], parts[1])
        return Op(op, parts) if found is None else Const(found == (op == "in"))
    if op in ("==", "!=", "is", "is not") and len(parts) == 2:
        same = equal(parts[0], parts[1])
        if same is not None:
            return Const(same == (op in ("==", "is")))
    if len(parts) == 2 and op not in ("and", "or"):
        return binary(op, parts[0], parts[1])
    known = truth(Op(op, parts))
    return Const(known) if op in ("not", "and", "or") and known is not None else Op(op, parts)


def _contained(program: Program, item: Value, container: Value) -> bool | None:
    keys: list[Value | None]
    if isinstance(container, Seq) and container.kind != "each":
        keys = list(container.items)
    elif isinstance(container, Map):
        keys = [key for key, _ in container.items]
    else:
        return None
    verdicts = [None if key is None else equal(item, default_of(program, key)) for key in keys]
    if True in verdicts:
        return True
    return None if None in verdicts else False


def _of_call(program: Program, value: Call) -> Value:
    callee = value.callee
    if isinstance(callee, Attr) and callee.name in _TEXT_METHODS and not value.args:
        text = default_of(program, callee.base)
        if isinstance(text, Const) and isinstance(text.value, str):
            return Const(_TEXT_METHODS[callee.name](text.value))
        return value
    if isinstance(callee, Ref) and callee.name == "isinstance" and len(value.args) == 2:
        known = _is_instance(program, default_of(program, value.args[0]), program.force(value.args[1]))
        return value if known is None else Const(known)
    if isinstance(callee, Ref) and callee.name == "type" and len(value.args) == 1:
        made = default_of(program, value.args[0])
        return ClassVal(made.cls) if isinstance(made, Obj) else value
    if isinstance(callee, (Item, Choice)):
        # One of several classes or functions of the project.
        chosen = default_of(program, callee)
        if isinstance(chosen, (ClassVal, FuncVal)):
            value = called_as(program, value, chosen)
    opened = program.expand(value)
    return default_of(program, opened) if opened is not value else value


def called_as(program: Program, value: Call, callee: Value) -> Call:
    """The same call of another callee, the same object each time it is asked for."""
    known: dict[tuple[int, object], Call] = program.facts.setdefault("calls of what was chosen", {})
    key = (id(value), getattr(callee, "function", getattr(callee, "cls", id(callee))))
    if key not in known:
        program.facts.setdefault("kept", []).append(value)
        known[key] = Call(
            callee, value.args, value.keywords, value.function, value.span,
            value.around, value.guards, value.loops, value.generation,
        )  # fmt: skip
    return known[key]


def entries(program: Program, callee: Value) -> list[FuncVal]:
    """The functions of a table that a key which nobody knows picks from."""
    table = default_of(program, callee)
    base = default_of(program, table.base) if isinstance(table, Item) else None
    if not isinstance(base, Map) or not 2 <= len(base.items) <= _MOST_ENTRIES:
        return []
    found = [program.force(entry) for _, entry in base.items]
    functions = [entry for entry in found if isinstance(entry, FuncVal)]
    return functions if len(functions) == len(found) else []


def _is_instance(program: Program, value: Value, cls: Value) -> bool | None:
    if isinstance(value, Const):
        if isinstance(cls, Ref) and cls.name in _BUILT_IN:
            return isinstance(value.value, _BUILT_IN[cls.name])
        return False if isinstance(cls, ClassVal) else None
    if isinstance(value, Obj) and isinstance(cls, ClassVal):
        if cls.cls in program.classes.linear(value.cls):
            return True
        return False if value.made else None
    return None
