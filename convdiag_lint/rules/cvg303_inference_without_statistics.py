"""CVG303: a trained model that is given raw numbers, though training normalized them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from convdiag_lint.events import EventKind, Evidence
from convdiag_lint.project import kinds
from convdiag_lint.project.normalizing import applications, arrives, measured
from convdiag_lint.project.origins import origins
from convdiag_lint.project.programs import imports, trains
from convdiag_lint.project.statistics import WRAPPERS, Statistic, is_layer, key_of, may_compute, statistics
from convdiag_lint.project.steps import without_gradients
from convdiag_lint.project.storing import within_model
from convdiag_lint.project.unwrapping import unwrapped
from convdiag_lint.project.values import (
    Attr,
    Call,
    ClassVal,
    FuncVal,
    Imported,
    Obj,
    Param,
    Ref,
    Value,
    call_name,
    walk,
)
from convdiag_lint.reading import gate
from convdiag_lint.rules.base import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convdiag_lint.events import Finding
    from convdiag_lint.project.program import Program
    from convdiag_lint.project.view import ModuleView
    from convdiag_lint.reading.syntax import Class, Function, Span

_INFERS = re.compile(rb"no_grad|inference_mode|\.eval\(\)")
_LOADS = frozenset(
    "load load_state_dict load_from_checkpoint from_pretrained load_model load_checkpoint load_weights"
    " load_file".split()
)
_QUIET = frozenset("no_grad inference_mode eval".split())
_BOOKKEEPING = frozenset(
    "to eval train cuda cpu half float double load_state_dict state_dict parameters named_parameters modules children"
    " requires_grad_ apply compile bfloat16 share_memory load load_from_checkpoint from_pretrained load_checkpoint"
    " load_model freeze reset zero_grad __init__ setup init_hidden".split()
)
_STATISTICS = re.compile(
    r"normali[sz]|denorm|unnorm|(?:^|_)norm(?:_|$|s$)|stats?(?:_|$)|statistic|scaler|standardi|whiten|rms|running_"
    r"|process|transform|rescale|pipeline"
    r"|(?:obs|observation|state|data|dataset|input|x|action|y|target)s?_(?:mean|std|min|max)|(?:mean|std)_(?:obs|state|x|action|y)|minmax",
    re.IGNORECASE,
)
"""Names in inference code that may carry the statistics."""
_HARMLESS = WRAPPERS | frozenset(
    "clip_grad_norm_ clip_grad_norm LayerNorm BatchNorm1d BatchNorm2d layer_norm norm RecordEpisodeStatistics".split()
)
_IN_MODEL = re.compile(
    r"normali[sz]e|denorm|unnorm|norm_?stats|data_?stats|dataset_stat|(?:^|_)rms|standardi", re.IGNORECASE
)
"""Names in a model that normalizes by itself."""
_RESTORED = re.compile(
    r"rms|vec_?norm|normali[sz]er(?:s|_|$)|running|set_stat|(?:obs?|state)_(?:mean|std|var|stats)", re.IGNORECASE
)
"""Names in code that gives a fresh wrapper the statistics of training."""
_FED = re.compile(r"loader|dataset|datamodule", re.IGNORECASE)
_BUFFER = re.compile(
    rb"register_buffer\(\s*[\"'][^\"']*(?:mean|std|min|max|scale|shift|offset|norm|stat|rms)", re.IGNORECASE
)
_MODEL_PARAMETER = re.compile(r"model|net(?:work)?$|policy|actor|agent", re.IGNORECASE)


def check(view: ModuleView) -> Iterator[Finding]:
    """Yield one finding for each inference function that lacks the statistics of training."""
    program = view.program
    if not _INFERS.search(program.files.read(view.module.path)):
        return
    for function in view.functions:
        if _QUIET.isdisjoint(_around_words(function)):
            continue
        for span, classes in _model_calls(program, function):
            found = _lacking(program, function, classes)
            if found is not None:
                place = program.place(found.function.module, found.span)
                yield view.finding(
                    RULE.code,
                    RULE.name,
                    "training normalizes with statistics of its data, this inference does not use them;"
                    " load them with the checkpoint, normalize the inputs and denormalize the outputs",
                    view.place(span),
                    function.scope,
                    [Evidence(place.path, place.line, "the statistics of training are computed here")],
                )
                break


def _around_words(function: Function) -> set[str]:
    words = set(function.words)
    for decorator in function.decorators:
        words |= {getattr(decorator, "name", ""), getattr(getattr(decorator, "func", None), "name", "")}
    if function.owner is not None:
        for method in function.owner.methods.values():
            words |= method.words & _QUIET
    return words


# The model and its training --------------------------------------------------------------------


def _model_calls(program: Program, function: Function) -> Iterator[tuple[Span, list[Class]]]:
    """Where a function runs a model, and the classes that it may be; none for a model it is handed."""
    run = program.run(function)
    if any(event.kind in (EventKind.STEP, EventKind.BACKWARD) for event in run.events):
        return
    for site in run.sites:
        this = site.target.this
        if site.caller is function and this is not None and site.target.function.name not in _BOOKKEEPING:
            classes = _classes(program, this)
            if classes and (function.owner is None or function.owner not in classes):
                yield site.span, classes
    for call in run.calls:
        callee = call.callee
        if call.function is not function or isinstance(callee, (FuncVal, Ref)):
            continue
        if isinstance(callee, Attr) and (callee.name in _BOOKKEEPING or isinstance(callee.base, Ref)):
            continue
        base = callee.base if isinstance(callee, Attr) else callee
        classes = _classes(program, callee) or _classes(program, base)
        handed = isinstance(callee, Param) and _MODEL_PARAMETER.search(callee.hint) is not None
        if classes or (handed and not _callers(program, function)):
            yield call.span, classes


def _classes(program: Program, value: Value) -> list[Class]:
    found = []
    for made in origins(program, value):
        plain = unwrapped(program, made)
        if isinstance(plain, Obj) and kinds.kind(program, plain) == kinds.MODULE:
            found.append(plain.cls)
        elif isinstance(plain, Call) and isinstance(plain.callee, Param):
            bound = [program.force(value) for value in program.callers.bindings(plain.callee, helpers=True)]
            found += [value.cls for value in bound if isinstance(value, ClassVal)]
    return found


def _trainings(program: Program, function: Function, classes: list[Class]) -> list[str]:
    """Files that train the same model."""
    here = function.module.path
    if classes:
        paths = {
            path
            for cls in classes
            for path in program.files.calling(cls.name)
            if path == cls.module.path or cls.module.path in imports(program).get(path, ())
        }
    else:
        paths = {path for path in program.files.mentioning(function.name) if here in imports(program).get(path, ())}
    return sorted(path for path in paths if path != here and trains(program, [path]))


def _normalizing(program: Program, path: str) -> list[Statistic]:
    """Statistics that a training file applies: its own, and those of the helpers that it names."""
    text = program.files.read(path)
    found: list[Statistic] = []
    for near in (path, *sorted(imports(program).get(path, ()))):
        if near != path and not may_compute(program.files.read(near)):
            continue
        module = program.modules.get(near)
        for statistic in statistics(program, module) if module is not None else ():
            holder = statistic.function.owner or statistic.function
            outer = statistic.function.outer
            names = {holder.name, outer.name if outer is not None else holder.name}
            if near == path or any(re.search(rb"\b" + name.encode() + rb"\b", text) for name in names):
                found.append(statistic)
    return found


# What inference does ---------------------------------------------------------------------------


def _lacking(program: Program, function: Function, classes: list[Class]) -> Statistic | None:
    """The statistic that inference should apply and does not."""
    if any(_BUFFER.search(program.files.read(cls.module.path)) for cls in classes):
        return None
    if any(_IN_MODEL.search(word) for cls in classes for word in _class_words(cls)):
        return None
    trainings = _trainings(program, function, classes)
    known = [statistic for path in trainings for statistic in _normalizing(program, path)]
    if not known or not _infers(program, function, trainings, handed=not classes):
        return None
    if len({path for path in trainings if _normalizing(program, path)}) < len(trainings):
        # Trained with and without: which of them made the checkpoint is not known.
        return None
    statistic = known[0]
    around = _around(program, function)
    if _anew(program, function):
        return None if within_model(program, statistic) else statistic
    fresh = [f for f in around if not WRAPPERS.isdisjoint(f.words)]
    if statistic.kind == "wrapper" and fresh:
        own = function.words | {name for f in fresh for name in f.words}
        return None if any(_RESTORED.search(word) for word in own) else statistic
    words = {word for f in around for word in f.words}
    if fresh or _named(words) or any(_FED.search(word) for word in function.words):
        return None
    if any(_applies(program, other) for other in around) or within_model(program, statistic):
        return None
    return statistic


def _named(words: set[str]) -> bool:
    return any(word not in _HARMLESS and _STATISTICS.search(word) for word in words)


def _class_words(cls: Class) -> set[str]:
    return {word for method in cls.methods.values() for word in (*method.words, method.name)}


def _infers(program: Program, function: Function, trainings: list[str], *, handed: bool) -> bool:
    """Whether a function runs a model that was loaded, outside of training."""
    if _loads(program, function):
        return True
    owner = function.owner
    if owner is not None and any(_loads(program, method) for method in owner.methods.values()):
        return True
    callers = _callers(program, function)
    if handed:
        return without_gradients(program_contexts(program, function)) and not callers
    return bool(callers) and all(
        c.module.path not in trainings and not trains(program, [c.module.path]) and _loads(program, c) for c in callers
    )


def program_contexts(program: Program, function: Function) -> tuple[Value, ...]:
    """The contexts around the calls of a function, its decorators included."""
    calls = [call for call in program.run(function).calls if call.function is function]
    return tuple(context for call in calls for context in call.around)


def _loads(program: Program, function: Function) -> bool:
    if _LOADS.isdisjoint(function.words):
        return False
    for call in program.run(function).calls:
        name, callee = call_name(call), call.callee
        if name in _LOADS and (name != "load" or (isinstance(callee, Ref) and callee.name == "torch.load")):
            return True
    return any(site.target.function.name in _LOADS for site in program.run(function).sites)


def _around(program: Program, function: Function) -> list[Function]:
    """A function, the code that calls it, the class it is in, and what these call in the project."""
    found: list[Function] = [function]

    def add(other: Function) -> None:
        if other not in found and len(found) < 60:
            found.append(other)

    if function.owner is not None:
        for method in function.owner.methods.values():
            add(method)
    for current in tuple(found):
        for caller in _callers(program, current):
            if not trains(program, [caller.module.path]):
                add(caller)
    for _ in range(2):
        for current in tuple(found):
            for target in _entered(program, current):
                add(target)
    return found


def _entered(program: Program, function: Function) -> Iterator[Function]:
    """What a function calls outside of models: the methods of what it makes, and functions inside, too."""
    for target in _called(program, function):
        owner = target.owner
        if owner is not None and kinds.kind(program, program.classes.this(owner)) == kinds.MODULE:
            continue
        yield target
        if owner is not None and target.name == "__init__":
            yield from owner.methods.values()
        yield from (nested for nested in target.module.functions if nested.outer is target)


def _callers(program: Program, function: Function) -> list[Function]:
    found = [site.caller for site in program.callers.of(function)]
    return [*found, *(call.function for call in program.callers.unentered(function))]


def _called(program: Program, function: Function) -> Iterator[Function]:
    run = program.run(function)
    for site in run.sites:
        yield site.target.function
    for call in run.calls:
        plain = program.force(call.callee)
        if isinstance(call.callee, Imported) and isinstance(plain, FuncVal):
            yield plain.function
        elif isinstance(call.callee, Imported) and isinstance(plain, ClassVal):
            yield from plain.cls.methods.values()
        if isinstance(call.callee, Param):
            for bound in program.callers.bindings(call.callee, helpers=True)[:4]:
                plain = program.force(bound)
                if isinstance(plain, FuncVal):
                    yield plain.function


def _applies(program: Program, function: Function) -> bool:
    return any(
        use.function is function and not is_layer(program, function) for use in applications(program, function.module)
    )


def _anew(program: Program, function: Function) -> bool:
    """Whether a function normalizes what it gives the model with statistics of that very data."""
    for use in applications(program, function.module):
        if use.function is not function or use.centre.loaded or use.spread.loaded or not arrives(program, use):
            continue
        computed = [*use.centre.computed, *use.spread.computed]
        if not use.centre.computed or not use.spread.computed:
            continue
        if not all(key_of(call)[0] == function.module.path and call.function is function for call in computed):
            continue
        data = [measured(call) for call in computed]
        if all(d is not None and any(inner is use.data for inner in walk(d, 60)) for d in data):
            return True
    return False


RULE = Rule(
    code="CVG303",
    name="inference-without-statistics",
    summary="Inference with a model whose training normalized, with statistics that are neither loaded nor applied.",
    seed="Store these statistics; you will need them at inference to denormalize the output.",
    why="The network knows only normalized numbers: raw observations are far outside of what it was trained on, and its"
    " outputs are not in the units of the actions. Statistics of the inference data, or of a fresh running normalizer,"
    " are other numbers than those of training.",
    example="""\
checkpoint = torch.load(path)
policy.load_state_dict(checkpoint["policy"])
with torch.no_grad():
    action = policy(observation)
""",
    fix="""\
checkpoint = torch.load(path)
policy.load_state_dict(checkpoint["policy"])
with torch.no_grad():
    normalized = policy((observation - checkpoint["obs_mean"]) / checkpoint["obs_std"])
    action = normalized * checkpoint["action_std"] + checkpoint["action_mean"]
""",
    check=check,
    concerns=gate.infers,
)
