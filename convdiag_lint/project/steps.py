"""Training steps: which optimizer updates stand in which scope, and the timelines to judge them by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from convdiag_lint.events import Event, EventKind
from convdiag_lint.project import kinds
from convdiag_lint.project.values import Attr, Call, Choice, Const, Item, Op, Param, Value, walk
from convdiag_lint.reading.syntax import Function

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from convdiag_lint.project.program import Program
    from convdiag_lint.project.run import Run

_REDUCES = frozenset("mean sum scale float to div mul backward squeeze item scale_loss".split())


@dataclass(frozen=True, slots=True, eq=False)
class Context:
    """One timeline in which an update happens: the run, the update, and its backward."""

    run: Run
    step: Event
    backward: Event


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One optimizer update of a scope, in every timeline that leads to it."""

    scope: Function
    contexts: tuple[Context, ...]
    stored: bool = False
    """Whether the update is made by a callable that the scope was handed: the contexts are then its
    callers', whose constants say nothing against what the scope takes as a parameter."""

    @property
    def event(self) -> Event:
        """The update itself."""
        return self.contexts[0].step


def core(loss: object) -> list[Value]:
    """A loss without scaling, averaging and division: the values that were given for it."""
    found: list[Value] = []
    stack = [loss]
    while stack and len(found) < 12:
        value = stack.pop()
        if isinstance(value, Choice):
            stack += [value.other, value.then]
        elif isinstance(value, Op) and value.op in ("/", "*"):
            stack.append(value.operands[0])
            if value.op == "*" and not isinstance(value.operands[-1], Const):
                stack.append(value.operands[-1])
        elif isinstance(value, Op) and value.op in ("+", "-"):
            stack += list(value.operands)
        elif isinstance(value, Call) and isinstance(value.callee, Attr) and value.callee.name in _REDUCES:
            stack.append(value.args[0] if value.callee.name == "scale" and value.args else value.callee.base)
        elif isinstance(value, Item) and isinstance(value.base, Item):
            stack.append(value.base)
        elif isinstance(value, Value) and not isinstance(value, Const):
            found.append(value)
    return found


def holder(loss: object, frames: list[object]) -> object:
    """The function among the frames that made the loss."""
    for value in core(loss):
        if isinstance(value, Param):
            continue
        for part in walk(value, 60):
            if isinstance(part, Call) and part.function in frames:
                return part.function
    return frames[0]


def is_given(loss: object, function: Function) -> bool:
    """Whether a function was handed the loss: it is nothing but a parameter of its."""
    values = core(loss)
    return bool(values) and all(isinstance(v, Param) and v.function is function for v in values)


def backward_of(run: Run, step: Event) -> Event | None:
    """The backward whose gradients an update uses: the nearest before it that can meet it."""
    for event in run.timeline.before(step, lambda e: e.kind is EventKind.BACKWARD):
        return event
    position = run.events.index(step)
    for event in run.events[position:]:
        # An update at the top of a loop whose body ends with backward.
        if event.kind is EventKind.BACKWARD and event.can_meet(step) and event.loops and event.loops == step.loops:
            return event
    return None


def steps(program: Program, function: Function) -> Iterator[Step]:
    """Updates whose scope a function is, in order."""
    if not program.relevant(function) and not _hands_over(function):
        return
    run = program.run(function)
    for event in run.events:
        if event.kind is not EventKind.STEP or _in_optimizer(program, event):
            continue
        backward = backward_of(run, event)
        if backward is None:
            if len(event.frames) == 1 and not without_gradients(event.attributes["around"]):
                found = tuple(_from_callers(program, function, event, 3))
                if found:
                    yield Step(function, found)
            continue
        if _scope(event, backward) is not function:
            continue
        if is_given(backward.subject, function) and program.callers.of(function):
            continue
        yield Step(function, (Context(run, event, backward),))
    yield from _by_stored_code(program, function, run)


def _hands_over(function: Function) -> bool:
    """Whether a function may hand a loss and an optimizer to something that it was given."""
    return any("loss" in word for word in function.words) and any("optim" in word for word in function.words)


def _by_stored_code(program: Program, function: Function, run: Run) -> Iterator[Step]:
    """Updates by a callable that the function was handed, like a loss scaler: seen from its callers."""
    handed = [
        event
        for event in run.events
        if event.kind is EventKind.OPAQUE
        and isinstance(event.subject, Call)
        and isinstance(event.subject.callee, Param)
        and any(kinds.kind(program, value) == kinds.OPTIMIZER for value in event.subject.args)
    ]
    if not handed:
        return
    contexts = []
    for site in program.callers.of(function):
        above = program.run(site.caller)
        for event in above.events:
            if event.kind is EventKind.STEP and any(
                f.call == site.call and f.function is function for f in event.frames
            ):
                backward = backward_of(above, event)
                if backward is not None and _scope(event, backward) is function:
                    contexts.append(Context(above, event, backward))
    if contexts:
        yield Step(function, tuple(contexts), stored=True)


def without_gradients(around: Iterable[object]) -> bool:
    """Whether one of these contexts is `no_grad` or `inference_mode`."""
    for context in around:
        name = getattr(getattr(context, "callee", context), "name", "")
        if name.rpartition(".")[2] in ("no_grad", "inference_mode"):
            return True
    return False


def _scope(step: Event, backward: Event) -> object:
    shared = 0
    for mine, other in zip(step.frames, backward.frames, strict=False):
        if mine.function is not other.function or mine.call != other.call:
            break
        shared += 1
    common = step.frames[: max(shared, 1)]
    functions = [frame.function for frame in common]
    made = holder(backward.subject, functions)
    if len(common) == len(step.frames):
        return made
    return made if made is not common[-1].function else step.frames[-1].function


def _from_callers(program: Program, function: Function, step: Event, depth: int) -> Iterator[Context]:
    """The same update seen from callers that do the backward."""
    if depth <= 0:
        return
    for site in program.callers.of(function):
        run = program.run(site.caller)
        met = False
        for event in run.events:
            if event.kind is EventKind.STEP and event.place == step.place and len(event.frames) > 1:
                if any(frame.call == site.call and frame.function is function for frame in event.frames):
                    backward = backward_of(run, event)
                    if backward is not None:
                        met = True
                        yield Context(run, event, backward)
        if not met:
            yield from _from_callers(program, site.caller, step, depth - 1)


def _in_optimizer(program: Program, event: Event) -> bool:
    """Whether an update stands in the code of an optimizer class: that is not a training step."""
    for frame in event.frames:
        owner = frame.function.owner if isinstance(frame.function, Function) else None
        if owner is not None and kinds.kind(program, program.classes.this(owner)) == kinds.OPTIMIZER:
            return True
    return False
