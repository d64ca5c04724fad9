"""How a model takes an argument in: scaled first, or by a layer that takes numbers as they come."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convdiag_lint.project.origins import origins
from convdiag_lint.project.scales import CLEANERS, HANDED_ON, Scale
from convdiag_lint.project.values import Attr, Call, Choice, FuncVal, Item, Obj, Op, Param, Ref, Seq, Value, call_name

if TYPE_CHECKING:
    from convdiag_lint.project.program import Program
    from convdiag_lint.reading.syntax import Function

_RAW_LAYERS = frozenset(
    "Linear LazyLinear Conv1d Conv2d Conv3d ConvTranspose2d LSTM GRU RNN LSTMCell GRUCell Bilinear"
    " weight_norm spectral_norm layer_init orthogonal_init".split()
)
_CLEAN_LAYERS = frozenset(
    "LayerNorm BatchNorm1d BatchNorm2d BatchNorm3d InstanceNorm1d InstanceNorm2d GroupNorm RMSNorm"
    " Embedding SyncBatchNorm EmbeddingBag".split()
)
_PASSING_LAYERS = frozenset(
    "Flatten Identity Unflatten Dropout ReLU Rearrange Unsqueeze ReflectionPad2d ZeroPad2d ReplicationPad2d MaxPool2d"
    " AvgPool2d ReflectionPad1d ConstantPad1d".split()
)


def enters_raw(program: Program, target: FuncVal, name: str, depth: int = 5) -> Scale:
    """What a module does first with a parameter: RAW if a layer takes it as it comes."""
    if depth <= 0:
        return Scale.UNKNOWN
    run = program.run(target.function)
    found: list[Scale] = []
    for call in run.calls:
        callee = call.callee
        for argument in call.args:
            way = _way(program, argument, name, target.function)
            if way is None:
                continue
            if way is Scale.CLEAN:
                found.append(Scale.CLEAN)
            elif isinstance(callee, (FuncVal, Obj)):
                inner = callee if isinstance(callee, FuncVal) else program.entry(callee)
                if inner is not None and inner.function is not target.function:
                    position = call.args.index(argument)
                    names = [p.name for p in inner.function.parameters][1 if inner.function.owner else 0 :]
                    if position < len(names):
                        found.append(enters_raw(program, inner, names[position], depth - 1))
            else:
                found.append(_layer(program, callee))
    known = [f for f in found if f is not Scale.NOTHING]
    if Scale.CLEAN in known:
        return Scale.CLEAN
    return Scale.RAW if Scale.RAW in known else Scale.UNKNOWN


def _way(program: Program, value: Value, name: str, function: Function, depth: int = 8) -> Scale | None:
    """How an argument goes back to a parameter: RAW untouched, CLEAN scaled, None not at all."""
    if depth <= 0:
        return None
    if isinstance(value, Param):
        return Scale.RAW if value.function is function and value.parameter.name == name else None
    if isinstance(value, Op):
        for operand in value.operands:
            way = _way(program, operand, name, function, depth - 1)
            if way is not None:
                return Scale.CLEAN if value.op == "/" or way is Scale.CLEAN else way
        return None
    if isinstance(value, Item):
        return _way(program, value.base, name, function, depth - 1)
    if isinstance(value, Seq):
        ways = [_way(program, item, name, function, depth - 1) for item in value.items[:6]]
        return next((w for w in ways if w is not None), None)
    if isinstance(value, Choice):
        return _way(program, value.then, name, function, depth - 1) or _way(
            program, value.other, name, function, depth - 1
        )
    if isinstance(value, Call):
        called = call_name(value) or ""
        parts = list(value.args)
        if isinstance(value.callee, Attr) and not isinstance(value.callee.base, Ref):
            parts.insert(0, value.callee.base)
        for part in parts:
            way = _way(program, part, name, function, depth - 1)
            if way is None:
                continue
            if any(word in called.lower() for word in CLEANERS):
                return Scale.CLEAN
            if isinstance(value.callee, (Call, Item, Obj)) and _layer(program, value.callee) is Scale.NOTHING:
                return way
            return way if called in HANDED_ON else None
    return None


def takes_raw(program: Program, callee: Value) -> bool:
    """Whether what is called is a stack of layers of torch whose first one takes numbers as they come."""
    made = [m for m in origins(program, callee) if isinstance(m, Call) and call_name(m) in ("Sequential", "Linear")]
    return bool(made) and _layer(program, callee) is Scale.RAW


def _layer(program: Program, callee: Value) -> Scale:
    """What a layer does to the scale of what it is given."""
    for made in origins(program, callee):
        if isinstance(made, Call):
            name = call_name(made) or ""
            if name == "Sequential" and made.args:
                for inner in made.args[:4]:
                    items = inner.operands if isinstance(inner, Op) and inner.op == "*" else (inner,)
                    for item in items:
                        first = item.items[0] if isinstance(item, Seq) and item.items else item
                        verdict = _layer(program, first)
                        if verdict is not Scale.NOTHING:
                            return verdict
                return Scale.UNKNOWN
            if name in _CLEAN_LAYERS:
                return Scale.CLEAN
            if name in _RAW_LAYERS:
                return Scale.RAW
            if name in _PASSING_LAYERS:
                return Scale.NOTHING
        if isinstance(made, Obj):
            target = program.entry(made)
            if target is not None and len(target.function.parameters) > 1:
                return enters_raw(program, target, target.function.parameters[1].name, 3)
    return Scale.UNKNOWN
