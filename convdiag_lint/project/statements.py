"""Statements: what each does to names and objects, and what follows under which condition.

Both branches of a condition run, each under a guard; a loop's body runs once; what a branch ends
(return, raise, continue) guards the rest. Literals decide a condition, nothing else does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from convdiag_lint.events import Guard
from convdiag_lint.project import effects, finite, gradients
from convdiag_lint.project.expressions import binary, element, evaluate, optional, truth
from convdiag_lint.project.values import Call, Choice, ClassVal, Const, FuncVal, Imported, Ref, Value
from convdiag_lint.reading import syntax

if TYPE_CHECKING:
    from collections.abc import Callable

    from convdiag_lint.project.interpreter import Interpreter
    from convdiag_lint.reading.syntax import Stmt

_IN_PLACE = frozenset(
    "clamp_ clip_ mul_ div_ add_ sub_ sigmoid_ uniform_ normal_ clamp_min_ clamp_max_ true_divide_".split()
)


def _assign(interp: Interpreter, stmt: syntax.Assign) -> None:
    if stmt.value is None:
        return
    value = evaluate(interp, stmt.value)
    for target in stmt.targets:
        interp.bind(target, value)


def _update(interp: Interpreter, stmt: syntax.Update) -> None:
    value = evaluate(interp, stmt.value)
    before = evaluate(interp, stmt.target)
    gradients.updated_in_place(interp, before, stmt.op, value, stmt.span)
    interp.bind(stmt.target, binary(stmt.op, before, value))


def _evaluate(interp: Interpreter, stmt: syntax.Evaluate) -> str | None:
    value = evaluate(interp, stmt.value)
    name = _changed_in_place(stmt.value)
    if name and isinstance(value, Call) and name in interp.env.names:
        value.hint = name
        interp.env.names[name] = value
    return "raise" if effects.ends_process(value) else None


def _return(interp: Interpreter, stmt: syntax.Return) -> str:
    interp.returns.append(optional(interp, stmt.value))
    return "return"


def _leave(interp: Interpreter, stmt: syntax.Leave) -> str | None:
    if stmt.value is not None:
        evaluate(interp, stmt.value)
    return None if stmt.kind == "pass" else stmt.kind


def _assert(interp: Interpreter, stmt: syntax.Assert) -> None:
    test = evaluate(interp, stmt.test)
    finite.tested(interp, test, stmt.span, "raise")
    if truth(test) is None:
        interp.enter(test, True)


def _if(interp: Interpreter, stmt: syntax.If) -> str | None:
    test = evaluate(interp, stmt.test)
    known = truth(test)
    if known is not None:
        return interp.block(stmt.body if known else stmt.orelse)
    mark = interp.guards
    before, heap = dict(interp.env.names), dict(interp.heap)
    env = interp.env
    interp.enter(test, True)
    ended = interp.block(stmt.body)
    after, after_heap = env.names, interp.run.heap
    interp.leave(mark)
    env.names, interp.heap = before, heap
    interp.run.heap = heap
    interp.enter(test, False)
    other = interp.block(stmt.orelse)
    interp.leave(mark)
    if ended is not None or other is not None:
        finite.tested(interp, test, stmt.span, ended or other or "")
    if ended is not None and other is not None:
        return ended if ended == other else "mixed"
    if ended is not None:
        interp.enter(test, False)
        return None
    if other is not None:
        env.names, interp.heap = after, after_heap
        interp.run.heap = after_heap
        interp.enter(test, True)
        return None
    env.names = _merge(test, after, env.names)
    interp.heap = interp.run.heap = _merge(test, after_heap, interp.heap)
    return None


def _for(interp: Interpreter, stmt: syntax.For) -> str | None:
    iterable = evaluate(interp, stmt.iterable)
    mark = interp.guards
    _loosen(interp, stmt.body)
    interp.push_loop()
    interp.bind(stmt.target, element(interp.program.opened(iterable)))
    interp.block(stmt.body)
    interp.pop_loop()
    interp.leave(mark)
    return interp.block(stmt.orelse)


def _while(interp: Interpreter, stmt: syntax.While) -> str | None:
    mark = interp.guards
    _loosen(interp, stmt.body)
    interp.push_loop()
    test = evaluate(interp, stmt.test)
    if truth(test) is False:
        interp.pop_loop()
        return None
    interp.block(stmt.body)
    interp.pop_loop()
    interp.leave(mark)
    return interp.block(stmt.orelse)


def _loosen(interp: Interpreter, body: list[Stmt]) -> None:
    """A literal that the loop changes decides nothing inside it."""
    for name in _assigned(body):
        value = interp.env.names.get(name)
        if isinstance(value, Const):
            interp.env.names[name] = Choice(None, value, Value(name))


def _with(interp: Interpreter, stmt: syntax.With) -> str | None:
    outer = interp.contexts
    for expr, target in stmt.items:
        context = evaluate(interp, expr)
        interp.contexts = (*interp.contexts, context)
        if target is not None:
            entered = interp.program.entered(context)
            interp.bind(target, entered)
    ended = interp.block(stmt.body)
    interp.contexts = outer
    return ended


def _try(interp: Interpreter, stmt: syntax.Try) -> str | None:
    mark = interp.guards
    before = dict(interp.env.names)
    number = interp.number()
    interp.guards = (*mark, Guard(number, "try"))
    ended = interp.block(stmt.body)
    if ended is None:
        ended = interp.block(stmt.orelse)
    inside = interp.guards
    after = interp.env.names
    for position, handler in enumerate(stmt.handlers):
        interp.env.names = dict(before)
        interp.guards = (*mark, Guard(number, f"except {position}"))
        if interp.block(handler) is None and ended is None:
            after = _merge(None, after, interp.env.names)
    interp.env.names = after
    # What the body's early ends guard goes on to guard the rest; the try itself does not.
    interp.guards = (*mark, *(g for g in inside[len(mark) :] if g.condition != number))
    return interp.block(stmt.final) or ended


def _import(interp: Interpreter, stmt: syntax.Import) -> None:
    origin = interp.env.function.module.path
    for local, dotted, name in stmt.bindings:
        path = interp.program.modules.locate(origin, dotted)
        if name == "*":
            if path is not None:
                interp.env.names.update(interp.program.exported(path))
            continue
        if name is not None:
            whole = f"{dotted}.{name}" if not dotted.endswith(".") else f"{dotted}{name}"
            below = interp.program.modules.locate(origin, whole)
            if below is not None and (path is None or path.endswith("/__init__.py")):
                interp.env.names[local] = Imported(below, None)
                continue
        if path is not None:
            interp.env.names[local] = Imported(path, name)
        elif name is None:
            interp.env.names[local] = Ref(dotted)
        else:
            interp.env.names[local] = Ref(f"{dotted.lstrip('.')}.{name}")


def _define(interp: Interpreter, stmt: syntax.Define) -> None:
    made = stmt.definition
    if isinstance(made, syntax.Class):
        interp.env.names[made.name] = ClassVal(made)
        return
    value = FuncVal(made, interp.env)
    for decorator in reversed(made.decorators):
        # For the calls in it: the function is taken to stay what it is.
        evaluate(interp, decorator)
    interp.env.names[made.name] = value


def _delete(interp: Interpreter, stmt: syntax.Delete) -> None:
    for target in stmt.targets:
        if isinstance(target, syntax.Name):
            interp.env.names.pop(target.id, None)


def _changed_in_place(expr: syntax.Expr) -> str:
    """Name of the tensor that a statement like `t.clamp_(0, 1)` changes, if it is one."""
    name = ""
    while isinstance(expr, syntax.Call) and isinstance(expr.func, syntax.Attribute):
        if expr.func.name not in _IN_PLACE:
            return ""
        expr = expr.func.base
        name = expr.id if isinstance(expr, syntax.Name) else ""
    return name


def _merge(test: Value | None, then: dict[Any, Value], other: dict[Any, Value]) -> dict[Any, Value]:
    """State after both branches of a condition."""
    merged = dict(other)
    for name, value in then.items():
        old = other.get(name)
        if old is None:
            merged[name] = value
        elif old is not value:
            merged[name] = Choice(test, value, old)
    return merged


def _assigned(body: list[Stmt]) -> set[str]:
    """Names that statements assign, nested functions aside."""
    found: set[str] = set()
    stack: list[Stmt] = list(body)
    while stack:
        stmt = stack.pop()
        targets: list[syntax.Expr] = []
        if isinstance(stmt, syntax.Assign):
            targets = list(stmt.targets)
        elif isinstance(stmt, (syntax.Update, syntax.For)):
            targets = [stmt.target]
        for target in targets:
            names = target.items if isinstance(target, syntax.Sequence) else [target]
            found.update(n.id for n in names if isinstance(n, syntax.Name))
        for part in ("body", "orelse", "final"):
            stack.extend(getattr(stmt, part, ()))
        for handler in getattr(stmt, "handlers", ()):
            stack.extend(handler)
    return found


STATEMENTS: dict[type, Callable[[Interpreter, Any], str | None]] = {
    syntax.Assign: _assign,
    syntax.Update: _update,
    syntax.Evaluate: _evaluate,
    syntax.Return: _return,
    syntax.Leave: _leave,
    syntax.Assert: _assert,
    syntax.If: _if,
    syntax.For: _for,
    syntax.While: _while,
    syntax.With: _with,
    syntax.Try: _try,
    syntax.Import: _import,
    syntax.Define: _define,
    syntax.Delete: _delete,
}
"""A handler for each kind; what it returns is the way in which the block surely ends early, if so."""
