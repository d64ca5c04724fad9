"""Calls: which code runs, with what, and whether to run through it here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convdiag_lint.events import Frame
from convdiag_lint.project import effects
from convdiag_lint.project.expressions import evaluate
from convdiag_lint.project.run import Site
from convdiag_lint.project.values import (
    Attr,
    Call,
    Choice,
    ClassVal,
    Const,
    Env,
    FuncVal,
    Imported,
    Map,
    Obj,
    Ref,
    Seq,
    Value,
)

if TYPE_CHECKING:
    from convdiag_lint.project.interpreter import Interpreter
    from convdiag_lint.reading.syntax import Function, Span

Args = tuple[Value, ...]
Keywords = dict[str, Value]
MOST_WAYS = 32
"""What may be this many things is called as something unknown: each call would double them again."""


def call(interp: Interpreter, callee: Value, args: Args, keywords: Keywords, span: Span) -> Value:
    """Result of a call; what happens inside it is noted if it matters to a training step."""
    program = interp.program
    if isinstance(callee, Imported) and program.may_matter(callee.path):
        callee = program.force(callee)
    if isinstance(callee, FuncVal):
        return _function(interp, callee, args, keywords, span)
    if isinstance(callee, ClassVal):
        return _construct(interp, callee, args, keywords, span)
    if isinstance(callee, Choice) and callee.width <= MOST_WAYS:
        return _either(interp, callee, args, keywords, span)
    if isinstance(callee, Call):
        inner = callee.callee
        if isinstance(inner, Ref) and inner.name in ("functools.partial", "partial") and callee.args:
            return call(
                interp,
                callee.args[0],
                (*callee.args[1:], *args),
                {**callee.keywords, **keywords},
                span,
            )
    if isinstance(callee, Attr) and isinstance(callee.base, Seq) and callee.name in ("append", "extend", "add"):
        callee.base.grow(args)
    target = program.entry(callee)
    if target is not None:
        return _function(interp, target, args, keywords, span, callee)
    made = _leaf(interp, callee, args, keywords, span)
    effects.called(interp, made)
    return made


def _leaf(interp: Interpreter, callee: Value, args: Args, keywords: Keywords, span: Span) -> Call:
    function = interp.env.function
    made = Call(
        callee,
        args,
        keywords,
        function,
        span,
        interp.contexts,
        interp.guards,
        interp.loops,
        interp.generation,
    )
    interp.run.calls.append(made)
    return made


def _either(interp: Interpreter, callee: Choice, args: Args, keywords: Keywords, span: Span) -> Value:
    """A call of one of two things: each under its own guard."""
    if isinstance(callee.then, Const):
        return call(interp, callee.other, args, keywords, span)
    if isinstance(callee.other, Const):
        return call(interp, callee.then, args, keywords, span)
    test = callee.test if callee.test is not None else Value(f"choice {interp.number()}")
    mark = interp.enter(test, True)
    then = call(interp, callee.then, args, keywords, span)
    interp.leave(mark)
    mark = interp.enter(test, False)
    other = call(interp, callee.other, args, keywords, span)
    interp.leave(mark)
    return Choice(callee.test, then, other)


def _construct(interp: Interpreter, callee: ClassVal, args: Args, keywords: Keywords, span: Span) -> Value:
    made = Obj(callee.cls, args, keywords, made=True)
    found = interp.program.classes.method(callee.cls, "__init__")
    if found is not None:
        target = FuncVal(found, None, made)
        _note(interp, target, bind(found, target, args, keywords), span, 0)
    return made


def _function(
    interp: Interpreter,
    target: FuncVal,
    args: Args,
    keywords: Keywords,
    span: Span,
    written: Value | None = None,
) -> Value:
    program = interp.program
    function = target.function
    if effects.own_step(interp, target, span):
        return Const(None)
    given = bind(function, target, args, keywords)
    running = any(frame.function is function for frame in interp.frames)
    begins = function.name == "__init__" and (written is None) and len(interp.frames) < 6
    through = (begins and not running) or (
        not interp.silent
        and not running
        and not function.generator
        and len(interp.frames) < 8
        and interp.budget > 0
        and program.relevant(function)
        and (program.run(function).matters or _takes_code(args, keywords))
    )
    if not through:
        _note(interp, target, given, span, 0)
        made = _leaf(interp, written or target, args, keywords, span)
        effects.called(interp, made)
        return made
    number = interp.number()
    _note(interp, target, given, span, number)
    return inline(interp, target, given, number, args, keywords)


def _takes_code(args: Args, keywords: Keywords) -> bool:
    return any(isinstance(a, FuncVal) for a in (*args, *keywords.values()))


def _note(interp: Interpreter, target: FuncVal, given: Keywords, span: Span, number: int) -> None:
    interp.run.sites.append(
        Site(
            target,
            given,
            interp.env.function,
            span,
            interp.frames,
            interp.guards,
            interp.loops,
            number,
        )
    )


def bind(function: Function, target: FuncVal, args: Args, keywords: Keywords) -> Keywords:
    """Parameter name to argument, for what the call passes."""
    names = [p.name for p in function.parameters if p.kind == "positional"]
    given: Keywords = {}
    if takes_this(function) and target.this is not None and names:
        given[names.pop(0)] = target.this
    rest: list[Value] = []
    for position, value in enumerate(args):
        if position < len(names):
            given[names[position]] = value
        else:
            rest.append(value)
    known = {p.name for p in function.parameters}
    extra: list[tuple[Value | None, Value]] = []
    for name, value in keywords.items():
        if name in known:
            given[name] = value
        else:
            extra.append((None if name == "**" else Const(name), value))
    for parameter in function.parameters:
        if parameter.kind == "*" and rest:
            given[parameter.name] = Seq("tuple", tuple(rest))
        elif parameter.kind == "**" and extra:
            given[parameter.name] = Map(tuple(extra))
    return given


def takes_this(function: Function) -> bool:
    """Whether the first parameter is the object or class."""
    if function.owner is None:
        return False
    return not any(getattr(d, "id", "") == "staticmethod" for d in function.decorators)


def inline(
    interp: Interpreter,
    target: FuncVal,
    given: Keywords,
    number: int,
    args: Args = (),
    keywords: Keywords | None = None,
) -> Value:
    """Run a function's body in place, with the caller's values; its result."""
    function = target.function
    outer_env = target.env if target.env is not None else interp.program.outer_env(function)
    env = Env(function, outer_env)
    saved = (
        interp.env,
        interp.frames,
        interp.guards,
        interp.returns,
        interp.yields,
        interp.contexts,
    )
    interp.env = env
    interp.frames = (*interp.frames, Frame(function, number))
    interp.returns, interp.yields = [], []
    # An argument may be spread from a list or mapping of unknown content: then nothing is sure of
    # the parameters that were not passed, least of all that they have their defaults.
    spread = "**" in (keywords or {}) or any(getattr(a, "op", "") == "*" for a in args)
    for parameter in function.parameters:
        value = given.get(parameter.name)
        if value is None:
            if parameter.kind in ("*", "**"):
                value = Seq("tuple", ()) if parameter.kind == "*" else Map(())
            elif parameter.default is not None and not spread:
                value = evaluate(interp, parameter.default)
            else:
                value = Value(parameter.name)
        if not value.hint and not isinstance(value, (Const, Ref)):
            value.hint = parameter.name
        env.names[parameter.name] = value
    interp.contexts = (*interp.contexts, *decorations(interp, function))
    interp.block(function.body)
    result = gather(interp.returns, interp.yields, function.generator)
    interp.env, interp.frames, interp.guards, interp.returns, interp.yields, interp.contexts = saved
    return result


def decorations(interp: Interpreter, function: Function) -> list[Value]:
    """Contexts that a function's decorators put around its body: `@torch.no_grad()`."""
    return [evaluate(interp, decorator) for decorator in function.decorators]


def gather(returns: list[Value], yields: list[Value], generator: bool) -> Value:
    """What a function gives back, over all its returns."""
    if generator:
        return Seq("each", tuple(yields[:1])) if yields else Value()
    if not returns:
        return Const(None)
    result = returns[0]
    for value in returns[1:]:
        if value is not result:
            result = Choice(None, result, value)
    return result
