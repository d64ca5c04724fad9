"""Where statistics of the training data leave the process: a file, a log, a module's state."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from convdiag_lint.project import kinds
from convdiag_lint.project.graph import through
from convdiag_lint.project.normalizing import KEPT, source_of
from convdiag_lint.project.programs import closure, importers, program_of
from convdiag_lint.project.statistics import Statistic, key_of
from convdiag_lint.project.values import Attr, Call, Const, Imported, Item, Map, Obj, Op, Param, Ref, Value, call_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convdiag_lint.project.program import Program
    from convdiag_lint.reading.syntax import Function

_SINKS = frozenset(
    "torch.save numpy.save numpy.savez numpy.savez_compressed numpy.savetxt json.dump json.dumps"
    " pickle.dump pickle.dumps joblib.dump yaml.dump yaml.safe_dump dill.dump cloudpickle.dump np.save"
    " np.savez np.savez_compressed np.savetxt safetensors.torch.save_file sklearn.externals.joblib.dump"
    " OmegaConf.save omegaconf.OmegaConf.save".split()
)
_SINK_METHODS = frozenset(
    "save create_dataset to_csv to_json to_pickle tofile write write_text save_checkpoint save_state dump"
    " register_buffer Parameter set_normalizer load_state_dict log add_scalar add_scalars log_metrics"
    " info debug warning save_hyperparameters log_dict copy_ append_row writerow update_config add_text"
    " put save_file savez log_hyperparams add_hparams".split()
)
_STATISTIC_NAME = re.compile(
    r"(?:^|_)(?:mean|means|std|stds|stats?|statistics?|rms|mins|maxs|minmax|quantiles?|norm|normali[sz]\w*|standardi\w*|whiten\w*)(?:_|$)"
    r"|normali[sz]er|norm_?stat|(?:Obs|Data|State|Action)(?:Mean|Std)|running_?(?:mean|stat)|vec_?norm",
    re.IGNORECASE,
)
_SCALER_NAME = re.compile(r"(?<!grad_)(?<!Grad)(?<!loss_)scalers?(?:$|_)", re.IGNORECASE)


def leaves(program: Program, statistic: Statistic) -> bool:
    """Whether a statistic may be stored, logged, or made part of a module."""
    holder = statistic.function.owner
    if holder is not None and any(
        re.search(r"save|state_dict|dump|export|serial|to_json|to_dict|checkpoint", n) for n in holder.methods
    ):
        return True
    for path in program_of(program, statistic.function.module.path):
        text = program.files.read(path)
        if not _MAY_STORE.search(text):
            continue
        module = program.modules.get(path)
        for function in (module.main, *module.functions) if module is not None else ():
            if not _STORING_WORDS.isdisjoint(function.words) and _stores(program, function, statistic):
                return True
    return within_model(program, statistic)


_SAVERS = frozenset("save save_checkpoint dump savez save_file save_state".split())
_PRINTS = frozenset("print info debug warning write".split())
_STORING_WORDS = _SAVERS | _SINK_METHODS | _PRINTS | {sink.rpartition(".")[2] for sink in _SINKS}
_MAY_STORE = re.compile(
    rb"\b(?:save\w*|dumps?|create_dataset|to_csv|to_json|to_pickle|tofile|write\w*|register_buffer|Parameter|log\w*|print|info|add_\w+"
    rb"|set_\w+|load_state_dict|update)\("
)


def _stores(program: Program, function: Function, statistic: Statistic) -> bool:
    run = program.run(function)
    for call in run.calls:
        if call.function is not function:
            continue
        callee, name = call.callee, call_name(call) or ""
        qualified = callee.name if isinstance(callee, Ref) else ""
        stored = qualified in _SINKS or name in _SAVERS
        if not stored and name not in _SINK_METHODS and qualified != "print":
            continue
        if name in _PRINTS and any(guard.branch in ("then", "else") for guard in call.guards):
            # What is shown only in some case is a complaint, not a record.
            continue
        values = [*call.args, *call.keywords.values()]
        if stored and isinstance(callee, Attr):
            values.append(callee.base)
            if _STATISTIC_NAME.search(callee.base.hint or getattr(callee.base, "name", "")):
                return True
        if stored and _names(program, Map(tuple((Const(k), v) for k, v in call.keywords.items())), statistic):
            return True
        if stored and any(_names(program, value, statistic) for value in call.args):
            return True
        if reaches(program, run.heap, values, statistic):
            return True
    return False


def _given_to_module(program: Program, function: Function, statistic: Statistic) -> bool:
    """Whether a function hands a statistic to a module, which may make a buffer of it."""
    run = program.run(function)
    for site in run.sites:
        this = site.target.this
        if this is None or site.caller is not function or kinds.kind(program, this) != kinds.MODULE:
            continue
        if site.target.function.name in ("forward", "__call__"):
            continue
        given = [value for value in site.given.values() if value is not this]
        if reaches(program, run.heap, given, statistic):
            return True
    return False


def within_model(program: Program, statistic: Statistic) -> bool:
    """Whether a statistic becomes part of a module, and so of every checkpoint."""
    above = importers(program)
    near = sorted(closure({statistic.function.module.path}, lambda p: above.get(p, set())))
    for path in [p for p in near if b"nn" in program.files.read(p) or b"odel" in program.files.read(p)][:40]:
        module = program.modules.get(path)
        for function in (module.main, *module.functions) if module is not None else ():
            if _given_to_module(program, function, statistic):
                return True
    return False


def _names(program: Program, value: Value, statistic: Statistic) -> bool:
    """Whether a stored value has a part that goes by a statistic's name, and is not known to be another's."""
    for word, part in _words(value):
        if not _STATISTIC_NAME.search(word) and not (statistic.kind == "fitted" and _SCALER_NAME.search(word)):
            continue
        computed = source_of(program, part).computed
        if not computed or any(key_of(call) in statistic.keys for call in computed):
            return True
    return False


def _words(value: Value) -> Iterator[tuple[str, Value]]:
    """Names under which a stored value holds its parts, and the parts."""
    seen: set[int] = set()
    queue = [value]
    for inner in queue:
        if isinstance(inner, Map):
            yield from ((str(key.value), part) for key, part in inner.items if isinstance(key, Const))
        elif isinstance(inner, Const) and isinstance(inner.value, str) and inner.value.isidentifier():
            yield inner.value, inner
        elif isinstance(inner, Attr):
            yield inner.name, inner
        elif isinstance(inner, Obj):
            yield inner.cls.name, inner
        if inner.hint and not isinstance(inner, Op):
            yield inner.hint, inner
        for part in _held(inner):
            if id(part) not in seen and len(queue) < 60:
                seen.add(id(part))
                queue.append(part)


def reaches(program: Program, heap: dict[tuple[int, str], Value], start: list[Value], statistic: Statistic) -> bool:
    """Whether values hold a statistic: in a dict, an argument, an attribute, or behind project calls."""
    holder = statistic.function.owner
    stored: dict[int, list[Value]] = {}
    for (owner, _), value in heap.items():
        stored.setdefault(owner, []).append(value)
    seen = {id(value) for value in start}
    queue = list(start)
    for value in queue:
        if isinstance(value, Call) and key_of(value) in statistic.keys:
            return True
        if isinstance(value, Obj) and holder is not None and holder in program.classes.linear(value.cls):
            return True
        if len(queue) > 600:
            continue
        parts = [*_held(value), *stored.get(id(value), ())]
        if isinstance(value, Param):
            parts += program.callers.bindings(value, helpers=True)[:4]
        elif isinstance(value, (Call, Item, Attr)):
            parts.append(through(program, value))
        elif isinstance(value, Imported):
            parts.append(program.force(value))
        for part in parts:
            if id(part) not in seen:
                seen.add(id(part))
                queue.append(part)
    return False


def _held(value: Value) -> tuple[Value, ...]:
    """What can be read back from a value: a loss does not hold the statistics of its inputs."""
    if isinstance(value, Call):
        name = call_name(value) or ""
        if name not in KEPT and name not in _HOLDERS:
            return ()
        base = (value.callee.base,) if isinstance(value.callee, Attr) else ()
        return (*base, *value.args, *value.keywords.values())
    if isinstance(value, Op) and value.op != "format":
        rest = [o for o in value.operands if not isinstance(o, Const)]
        return tuple(rest) if len(rest) == 1 else ()
    return value.parts()


_HOLDERS = frozenset(
    "dict list tuple str round items values append asdict vars dumps OrderedDict Namespace SimpleNamespace format join"
    " state_dict get_params zip Box Parameter register_buffer partial deepcopy getattr".split()
)
