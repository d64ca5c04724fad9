"""Runs one function on symbolic values and notes what would happen: the state of such a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convdiag_lint.events import Event, EventKind, Frame, Guard
from convdiag_lint.project import calling, gradients
from convdiag_lint.project.expressions import binary, element, evaluate, item
from convdiag_lint.project.statements import STATEMENTS
from convdiag_lint.project.values import Const, Env, Item, Op, Ref, Seq, Value, describe
from convdiag_lint.reading import syntax

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from convdiag_lint.events import EventAttributes
    from convdiag_lint.project.program import Program
    from convdiag_lint.project.run import Run
    from convdiag_lint.reading.syntax import Span, Stmt

BUDGET = 6000
"""Statements that one run may execute, calls run through included."""
MOST_WORK = 400_000
"""Statements that the analysis of one file may execute, its neighbours' included."""
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

    def emit(self, kind: EventKind, span: Span, subject: Value | None, **attributes: Unpack[EventAttributes]) -> None:
        """Note an event at this point of the timeline."""
        if self.silent:
            return
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

    def block(self, body: list[Stmt]) -> str | None:
        """Run statements; the way in which they surely end early (`return`, `raise`, ...), if so."""
        for stmt in body:
            self.budget -= 1
            self.program.work += 1
            if self.budget < 0 or self.program.work > MOST_WORK:
                self.run.truncated = True
                return None
            ended = STATEMENTS[stmt.__class__](self, stmt)
            if ended is not None:
                return ended
        return None
