"""Runs the statements of one function on symbolic values and notes what would happen.

Both branches of a condition run, each under a guard; a loop's body runs once; what a branch ends
(return, raise, continue) guards the rest. Literals decide a condition, nothing else does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from convdiag_lint.events import Event, EventKind, Frame, Guard
from convdiag_lint.project import calling, effects, finite, gradients
from convdiag_lint.project.expressions import binary, element, evaluate, item, optional, truth
from convdiag_lint.project.values import (
    Call,
    Choice,
    ClassVal,
    Const,
    Env,
    FuncVal,
    Imported,
    Item,
    Op,
    Ref,
    Seq,
    Value,
    describe,
)
from convdiag_lint.reading import syntax

if TYPE_CHECKING:
    from collections.abc import Callable

    from convdiag_lint.project.program import Program
    from convdiag_lint.project.run import Run
    from convdiag_lint.reading.syntax import Span, Stmt

BUDGET = 6000
"""Statements that one run may execute, calls run through included."""
MOST_WORK = 400_000
"""Statements that the analysis of one file may execute, its neighbours' included."""

IN_PLACE = frozenset(
    "clamp_ clip_ mul_ div_ add_ sub_ sigmoid_ uniform_ normal_ clamp_min_ clamp_max_ true_divide_".split()
)
_NOT = {"is not": "is", "!=": "==", "not in": "in"}


class Interpreter:
    """State of one run."""

    def __init__(self, program: Program, run: Run, silent: bool = False) -> None:
        self.program = program
        self.run = run
        self.env = run.env
        self.heap = run.heap
        self.silent = silent
        """Whether only the returned value is wanted: no event is noted, no condition numbered."""
        self.frames: tuple[Frame, ...] = (Frame(run.function, 0),)
        self.guards: tuple[Guard, ...] = ()
        self.loops: tuple[int, ...] = ()
        self.contexts: tuple[Value, ...] = ()
        self.budget = BUDGET
        self.counter = 0
        self.generation = 0
        self.conditions: dict[str, int] = {}
        self.returns: list[Value] = []
        self.yields: list[Value] = []

    # Names -----------------------------------------------------------------------------------

    def lookup(self, name: str) -> Value:
        """Value of a name here."""
        env: Env | None = self.env
        while env is not None:
            found = env.names.get(name)
            if found is not None:
                return found
            env = env.outer
        return self.program.global_name(self.env.function.module, name)

    def bind(self, target: syntax.Expr, value: Value) -> None:
        """Assign to a target."""
        if isinstance(target, syntax.Name):
            if not value.hint and not isinstance(value, (Const, Ref)):
                value.hint = target.id
            if target.id in self.env.function.globals:
                self.program.global_env(self.env.function.module).names[target.id] = value
            else:
                self.env.names[target.id] = value
        elif isinstance(target, syntax.Sequence):
            self._unpack(target.items, value)
        elif isinstance(target, syntax.Attribute):
            self.set_attribute(evaluate(self, target.base), target.name, value)
        elif isinstance(target, syntax.Subscript):
            base, index = evaluate(self, target.base), evaluate(self, target.index)
            if isinstance(index, Const):
                self.store(base, f"[{index.value!r}]", value)
        elif isinstance(target, syntax.Starred):
            self.bind(target.value, Seq("each", (element(value),)))

    def _unpack(self, targets: list[syntax.Expr], value: Value) -> None:
        starred = any(isinstance(t, syntax.Starred) for t in targets)
        for position, target in enumerate(targets):
            if starred and not (isinstance(value, Seq) and value.kind != "each"):
                self.bind(target, Item(value, Const(position)))
            else:
                self.bind(target, item(self.program.opened(value), Const(position)))

    def set_attribute(self, base: Value, name: str, value: Value) -> None:
        """Assign an attribute of an object."""
        if not value.hint and not isinstance(value, (Const, Ref)):
            value.hint = name
        if name == "grad":
            gradients.assigned(self, base, value)
        self.store(base, name, value)

    def store(self, base: Value, name: str, value: Value) -> None:
        """Remember what an attribute or item of a value is from here on."""
        self.run.objects.append(base)
        self.heap[id(base), name] = value

    def stored(self, base: Value, index: Const) -> Value | None:
        """What was assigned to an item in this run."""
        return self.heap.get((id(base), f"[{index.value!r}]"))

    def attribute(self, base: Value, name: str) -> Value:
        """Value of `base.name`."""
        found = self.heap.get((id(base), name))
        if found is not None:
            return found
        return self.program.attribute(base, name, self)

    def call(self, callee: Value, args: tuple[Value, ...], keywords: dict[str, Value], span: Span) -> Value:
        """Result of a call here."""
        return calling.call(self, callee, args, keywords, span)

    # Events ----------------------------------------------------------------------------------

    def emit(self, kind: EventKind, span: Span, subject: Value | None, **attributes: Any) -> None:
        """Note an event at this point of the timeline."""
        if self.silent:
            return
        attributes["function"] = self.env.function
        attributes["around"] = self.contexts
        place = self.program.place(self.env.function.module, span)
        self.run.events.append(Event(kind, place, subject, self.frames, self.guards, self.loops, attributes))

    def number(self) -> int:
        """A number that nothing else in this run has."""
        self.counter += 1
        return self.counter

    def condition(self, test: Value) -> tuple[int, bool]:
        """Number of a condition, and whether the value is its negation: equal tests go together."""
        positive = True
        while True:
            if isinstance(test, Op) and test.op == "not":
                test, positive = test.operands[0], not positive
            elif isinstance(test, Op) and test.op in _NOT:
                test, positive = binary(_NOT[test.op], *test.operands), not positive
            else:
                break
        key = describe(test)
        if key not in self.conditions:
            self.conditions[key] = self.number()
            self.run.tests[self.conditions[key]] = test
        return self.conditions[key], positive

    def enter(self, test: Value, branch: bool) -> tuple[Guard, ...]:
        """Put what follows under a branch of a condition; returns the mark to leave to."""
        mark = self.guards
        if self.silent:
            return mark
        number, positive = self.condition(test)
        self.guards = (*mark, Guard(number, "then" if branch == positive else "else"))
        return mark

    def leave(self, mark: tuple[Guard, ...]) -> None:
        """Take guards away again down to a mark."""
        self.guards = mark

    def push_loop(self) -> None:
        """Begin a loop."""
        self.loops = (*self.loops, self.number())

    def pop_loop(self) -> None:
        """End the innermost loop."""
        self.loops = self.loops[:-1]

    def yielded(self, value: Value) -> None:
        """Note what a generator hands out."""
        self.yields.append(value)

    # Statements ------------------------------------------------------------------------------

    def block(self, body: list[Stmt]) -> str | None:
        """Run statements; the way in which they surely end early (`return`, `raise`, ...), if so."""
        for stmt in body:
            self.budget -= 1
            self.program.work += 1
            if self.budget < 0 or self.program.work > MOST_WORK:
                self.run.truncated = True
                return None
            ended = _STATEMENTS[stmt.__class__](self, stmt)
            if ended is not None:
                return ended
        return None

    def _assign(self, stmt: syntax.Assign) -> None:
        if stmt.value is None:
            return
        value = evaluate(self, stmt.value)
        for target in stmt.targets:
            self.bind(target, value)

    def _update(self, stmt: syntax.Update) -> None:
        value = evaluate(self, stmt.value)
        before = evaluate(self, stmt.target)
        gradients.updated_in_place(self, before, stmt.op, value, stmt.span)
        self.bind(stmt.target, binary(stmt.op, before, value))

    def _evaluate(self, stmt: syntax.Evaluate) -> str | None:
        value = evaluate(self, stmt.value)
        name = _changed_in_place(stmt.value)
        if name and isinstance(value, Call) and name in self.env.names:
            value.hint = name
            self.env.names[name] = value
        return "raise" if effects.ends_process(value) else None

    def _return(self, stmt: syntax.Return) -> str:
        self.returns.append(optional(self, stmt.value))
        return "return"

    def _leave(self, stmt: syntax.Leave) -> str | None:
        if stmt.value is not None:
            evaluate(self, stmt.value)
        return None if stmt.kind == "pass" else stmt.kind

    def _assert(self, stmt: syntax.Assert) -> None:
        test = evaluate(self, stmt.test)
        finite.tested(self, test, stmt.span, "raise")
        if truth(test) is None:
            self.enter(test, True)

    def _if(self, stmt: syntax.If) -> str | None:
        test = evaluate(self, stmt.test)
        known = truth(test)
        if known is not None:
            return self.block(stmt.body if known else stmt.orelse)
        mark = self.guards
        before, heap = dict(self.env.names), dict(self.heap)
        env = self.env
        self.enter(test, True)
        ended = self.block(stmt.body)
        after, after_heap = env.names, self.run.heap
        self.leave(mark)
        env.names, self.heap = before, heap
        self.run.heap = heap
        self.enter(test, False)
        other = self.block(stmt.orelse)
        self.leave(mark)
        if ended is not None or other is not None:
            finite.tested(self, test, stmt.span, ended or other or "")
        if ended is not None and other is not None:
            return ended if ended == other else "mixed"
        if ended is not None:
            self.enter(test, False)
            return None
        if other is not None:
            env.names, self.heap = after, after_heap
            self.run.heap = after_heap
            self.enter(test, True)
            return None
        env.names = _merge(test, after, env.names)
        self.heap = self.run.heap = _merge(test, after_heap, self.heap)
        return None

    def _for(self, stmt: syntax.For) -> str | None:
        iterable = evaluate(self, stmt.iterable)
        mark = self.guards
        self._loosen(stmt.body)
        self.push_loop()
        self.bind(stmt.target, element(self.program.opened(iterable)))
        self.block(stmt.body)
        self.pop_loop()
        self.leave(mark)
        return self.block(stmt.orelse)

    def _while(self, stmt: syntax.While) -> str | None:
        mark = self.guards
        self._loosen(stmt.body)
        self.push_loop()
        test = evaluate(self, stmt.test)
        if truth(test) is False:
            self.pop_loop()
            return None
        self.block(stmt.body)
        self.pop_loop()
        self.leave(mark)
        return self.block(stmt.orelse)

    def _loosen(self, body: list[Stmt]) -> None:
        """A literal that the loop changes decides nothing inside it."""
        for name in assigned(body):
            value = self.env.names.get(name)
            if isinstance(value, Const):
                self.env.names[name] = Choice(None, value, Value(name))

    def _with(self, stmt: syntax.With) -> str | None:
        outer = self.contexts
        for expr, target in stmt.items:
            context = evaluate(self, expr)
            self.contexts = (*self.contexts, context)
            if target is not None:
                entered = self.program.entered(context)
                self.bind(target, entered)
        ended = self.block(stmt.body)
        self.contexts = outer
        return ended

    def _try(self, stmt: syntax.Try) -> str | None:
        mark = self.guards
        before = dict(self.env.names)
        number = self.number()
        self.guards = (*mark, Guard(number, "try"))
        ended = self.block(stmt.body)
        if ended is None:
            ended = self.block(stmt.orelse)
        inside = self.guards
        after = self.env.names
        for position, handler in enumerate(stmt.handlers):
            self.env.names = dict(before)
            self.guards = (*mark, Guard(number, f"except {position}"))
            if self.block(handler) is None and ended is None:
                after = _merge(None, after, self.env.names)
        self.env.names = after
        # What the body's early ends guard goes on to guard the rest; the try itself does not.
        self.guards = (*mark, *(g for g in inside[len(mark) :] if g.condition != number))
        return self.block(stmt.final) or ended

    def _import(self, stmt: syntax.Import) -> None:
        origin = self.env.function.module.path
        for local, dotted, name in stmt.bindings:
            path = self.program.modules.locate(origin, dotted)
            if name == "*":
                if path is not None:
                    self.env.names.update(self.program.exported(path))
                continue
            if name is not None:
                whole = f"{dotted}.{name}" if not dotted.endswith(".") else f"{dotted}{name}"
                below = self.program.modules.locate(origin, whole)
                if below is not None and (path is None or path.endswith("/__init__.py")):
                    self.env.names[local] = Imported(below, None)
                    continue
            if path is not None:
                self.env.names[local] = Imported(path, name)
            elif name is None:
                self.env.names[local] = Ref(dotted)
            else:
                self.env.names[local] = Ref(f"{dotted.lstrip('.')}.{name}")

    def _define(self, stmt: syntax.Define) -> None:
        made = stmt.definition
        if isinstance(made, syntax.Class):
            self.env.names[made.name] = ClassVal(made)
            return
        value: Value = FuncVal(made, self.env)
        for decorator in reversed(made.decorators):
            value = self.program.decorated(evaluate(self, decorator), value)
        self.env.names[made.name] = value

    def _delete(self, stmt: syntax.Delete) -> None:
        for target in stmt.targets:
            if isinstance(target, syntax.Name):
                self.env.names.pop(target.id, None)


def _changed_in_place(expr: syntax.Expr) -> str:
    """Name of the tensor that a statement like `t.clamp_(0, 1)` changes, if it is one."""
    name = ""
    while isinstance(expr, syntax.Call) and isinstance(expr.func, syntax.Attribute):
        if expr.func.name not in IN_PLACE:
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


def assigned(body: list[Stmt]) -> set[str]:
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


_STATEMENTS: dict[type, Callable[[Interpreter, Any], str | None]] = {
    syntax.Assign: Interpreter._assign,
    syntax.Update: Interpreter._update,
    syntax.Evaluate: Interpreter._evaluate,
    syntax.Return: Interpreter._return,
    syntax.Leave: Interpreter._leave,
    syntax.Assert: Interpreter._assert,
    syntax.If: Interpreter._if,
    syntax.For: Interpreter._for,
    syntax.While: Interpreter._while,
    syntax.With: Interpreter._with,
    syntax.Try: Interpreter._try,
    syntax.Import: Interpreter._import,
    syntax.Define: Interpreter._define,
    syntax.Delete: Interpreter._delete,
}
