"""The scale of data: where a value was read, and whether anything on the way brings it to a known scale."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from convdiag_lint.project import kinds
from convdiag_lint.project.datasets import element_of
from convdiag_lint.project.deciding import choose
from convdiag_lint.project.origins import origins
from convdiag_lint.project.values import (
    Attr,
    Call,
    Choice,
    Const,
    Elem,
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
    call_name,
    walk,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from convdiag_lint.project.program import Program
    from convdiag_lint.reading.syntax import Function


class Scale(enum.IntEnum):
    """What is known of a value's scale; the greatest of several speaks for all."""

    NOTHING = 0
    """Constants, ids, the absence of data."""
    CLEAN = 1
    UNKNOWN = 2
    RAW = 3


@dataclass(frozen=True, slots=True)
class Origin:
    """A scale, and the source that a raw value comes from."""

    scale: Scale
    source: Call | None = None


NOTHING, CLEAN, UNKNOWN = Origin(Scale.NOTHING), Origin(Scale.CLEAN), Origin(Scale.UNKNOWN)

_LOADERS = frozenset(
    "numpy.load np.load pandas.read_csv pd.read_csv pickle.load numpy.loadtxt np.loadtxt numpy.genfromtxt h5py.File"
    " zarr.open zarr.open_group pandas.read_parquet pandas.read_pickle numpy.fromfile".split()
)
HANDED_ON = frozenset(
    "to float double cuda cpu numpy unsqueeze squeeze view reshape permute transpose flatten clone detach"
    " contiguous copy"
    " astype type expand repeat half bfloat16 requires_grad_ type_as tensor as_tensor from_numpy"
    " FloatTensor Tensor array"
    " asarray stack cat concatenate hstack vstack expand_dims tolist items values chunk split unbind device_put cat_"
    " index_select gather rearrange pin_memory float32 swapaxes moveaxis atleast_2d ascontiguousarray pop popleft"
    " DoubleTensor Variable get".split()
)
CLEANERS = tuple(
    "normali standardi scaler whiten totensor to_tensor image_transform image_processor processor feature_extractor"
    " sigmoid tanh softmax log1p rescale runningmean one_hot tokeniz embedding digitize bucketize minmax"
    " clip_and".split()
)
_UNIT = frozenset(
    "rand randn rand_like randn_like zeros ones eye randint arange linspace zeros_like ones_like normal"
    " random uniform empty full".split()
)
_ENV_CLEANERS = (
    "NormalizeObservation",
    "VecNormalize",
    "RescaleObservation",
    "TransformObservation",
    "NormalizeObs",
    "RunningNorm",
)


def scale_of(program: Program, value: Value, depth: int = 14, seen: frozenset[int] = frozenset()) -> Origin:
    """The scale of a value, traced back to where it was read."""
    if depth <= 0 or id(value) in seen:
        return UNKNOWN
    seen = seen | {id(value)}
    deeper = depth - 1

    def look(part: Value) -> Origin:
        return scale_of(program, part, deeper, seen)

    if isinstance(value, (Const, Setting, Ref)):
        return NOTHING
    if isinstance(value, Call):
        return _call_scale(program, value, look)
    if isinstance(value, Op):
        return _operation_scale(program, value, look)
    if isinstance(value, Item):
        index = value.index
        opened = program.item(value.base, index)
        if isinstance(opened, Item) and opened.base is value.base:
            base = element_of(program, value.base)
            if base is not None:
                picked = program.item(base, index)
                return look(picked if not isinstance(picked, Item) else base)
            return look(value.base)
        return look(opened)
    if isinstance(value, Attr) and value.name in ("values", "data", "T", "value", "flat"):
        return look(value.base)
    if isinstance(value, Elem):
        element = element_of(program, value)
        return look(element) if element is not None else look(value.iterable)
    if isinstance(value, Choice):
        chosen = choose(program, value)
        if chosen is not value:
            return look(chosen)
        return worst([look(value.then), look(value.other)])
    if isinstance(value, Seq):
        return worst([look(item) for item in value.items[:8]])
    if isinstance(value, Map):
        return worst([look(item) for _, item in value.items[:12]])
    if isinstance(value, Param):
        bound = program.callers.bindings(value)
        found = [look(b) for b in bound[:6]]
        raw = [f for f in found if f.scale is Scale.RAW]
        return raw[0] if raw else worst(found) if found else UNKNOWN
    return UNKNOWN


def worst(found: list[Origin]) -> Origin:
    """The origin that speaks for several: unknown parts silence, raw ones speak."""
    return max(found, key=lambda origin: origin.scale, default=NOTHING)


def _operation_scale(program: Program, value: Op, look: Callable[[Value], Origin]) -> Origin:
    parts = [look(operand) for operand in value.operands]
    if value.op == "/":
        return CLEAN if parts[0].scale is not Scale.UNKNOWN else UNKNOWN
    if value.op == "*" and any(
        isinstance(o, Const) and isinstance(o.value, float) and abs(o.value) < 0.5 for o in value.operands
    ):
        return CLEAN
    if value.op in ("*", "-", "+", "%", "//"):
        raw = [p for p in parts if p.scale is Scale.RAW]
        unknown = [p for p in parts if p.scale is Scale.UNKNOWN]
        return raw[0] if raw and not unknown else worst(parts)
    return worst(parts)


def _call_scale(program: Program, value: Call, look: Callable[[Value], Origin]) -> Origin:
    callee, name = value.callee, call_name(value) or ""
    if isinstance(callee, Ref) and callee.name in _LOADERS:
        return Origin(Scale.RAW, value)
    if isinstance(callee, Ref) and callee.name == "torch.load":
        return UNKNOWN if _saved_here(program, value) else Origin(Scale.RAW, value)
    if isinstance(callee, Attr) and name in ("reset", "step") and kinds.kind(program, callee.base) == kinds.ENV:
        return _environment(program, callee.base, value)
    if isinstance(callee, (FuncVal, Imported, Obj)):
        opened = program.expand(value)
        if opened is not value:
            return look(opened)
        return CLEAN if any(word in name.lower() for word in CLEANERS) else UNKNOWN
    lowered = name.lower()
    if any(word in lowered for word in CLEANERS):
        return CLEAN
    if name in _UNIT and isinstance(callee, Ref):
        return CLEAN
    if name == "DataLoader" and value.args:
        return _package_dataset(program, value)
    if name in HANDED_ON:
        parts = list(value.args)
        if isinstance(callee, Attr) and not isinstance(callee.base, Ref):
            parts = [callee.base]
        return worst([look(part) for part in parts[:1] or []])
    return UNKNOWN


_FILE_NAME = re.compile(r"[\w-]+\.(?:pt|pth|pkl|bin|ckpt|tar)\b")


def _saved_here(program: Program, load: Call) -> bool:
    """Whether a file may be the project's own: what it wrote there may well be normalized, or weights."""
    text = " ".join(str(p.value) for p in walk(load, 60) if isinstance(p, Const) and isinstance(p.value, str))
    names = [name.encode() for name in _FILE_NAME.findall(text)]
    if not names:
        return True
    # Named in a second place, it may be there that it is written.
    return any(sum(program.files.read(path).count(name) for path in program.files.python) > 1 for name in names)


def _package_dataset(program: Program, loader: Call) -> Origin:
    """A dataset of a package: what its transform leaves of the scale."""
    for made in origins(program, loader.args[0]):
        transform = _transform(made) if isinstance(made, Call) else None
        if transform is None:
            return UNKNOWN
        clean = False
        for part in walk(transform, 60):
            name = (call_name(part) or "").lower()
            clean = clean or any(word in name for word in CLEANERS)
            if isinstance(part, FuncVal) and _multiplies_back(program, part):
                return Origin(Scale.RAW, loader)
        return CLEAN if clean else UNKNOWN
    return UNKNOWN


def _transform(made: Call) -> Value | None:
    """What a packaged dataset does to each image: by keyword, or the first argument that is a Compose."""
    for value in (made.keywords.get("transform"), *made.args[1:]):
        if value is not None and (call_name(value) or "").lower() in ("compose", "totensor", "lambda"):
            return value
    return made.keywords.get("transform")


def _multiplies_back(program: Program, function: FuncVal) -> bool:
    """Whether a transform undoes a division by 255."""
    run = program.run(function.function)
    found = [run.result, *run.calls]
    for value in found:
        if (isinstance(value, Op) and value.op == "*") or call_name(value) in ("mul", "mul_"):
            if value is not None and any(isinstance(p, Const) and p.value in (255, 255.0) for p in value.parts()):
                return True
    return False


def _environment(program: Program, env: Value, call: Call) -> Origin:
    """Observations of an environment: raw where it is made in sight and nothing normalizes them."""
    made = origins(program, env)
    if not made:
        return UNKNOWN
    for origin in made:
        verdict = _made_raw(program, origin, 14)
        if verdict is not Scale.RAW:
            return Origin(verdict)
    return Origin(Scale.RAW, call)


def _made_raw(program: Program, made: Value, depth: int) -> Scale:
    if depth <= 0:
        return Scale.UNKNOWN
    if isinstance(made, Call):
        callee, name = made.callee, call_name(made) or ""
        if any(word in name for word in _ENV_CLEANERS):
            return Scale.CLEAN
        if isinstance(callee, Ref) and callee.name in (
            "gym.make",
            "gymnasium.make",
            "gymnasium.make_vec",
            "gym.vector.make",
            "gymnasium.vector.make",
        ):
            return Scale.RAW
        if isinstance(callee, (FuncVal, Imported)):
            opened = program.expand(made)
            return _made_raw(program, opened, depth - 1) if opened is not made else Scale.UNKNOWN
        if isinstance(callee, Ref) and (".wrappers." in callee.name or name in ("SyncVectorEnv", "AsyncVectorEnv")):
            inner = made.argument(0, "env")
            return _made_raw(program, inner, depth - 1) if inner is not None else Scale.UNKNOWN
        return Scale.UNKNOWN
    if isinstance(made, Obj):
        inner = _wrapped(program, made)
        return _made_raw(program, inner, depth - 1) if inner is not None else Scale.UNKNOWN
    if isinstance(made, Attr) and made.name == "env" and isinstance(made.base, Obj):
        inner = _wrapped(program, made.base)
        return _made_raw(program, inner, depth - 1) if inner is not None else Scale.UNKNOWN
    if isinstance(made, Param):
        bound = program.callers.bindings(made)
        return _made_raw(program, bound[0], depth - 1) if len(bound) == 1 else Scale.UNKNOWN
    if isinstance(made, Seq):
        found = [_made_raw(program, item, depth - 1) for item in made.items[:3]]
        return max(found, default=Scale.UNKNOWN) if Scale.CLEAN not in found else Scale.CLEAN
    if isinstance(made, FuncVal):
        result = program.run(made.function).result
        return _made_raw(program, result, depth - 1) if result is not None else Scale.UNKNOWN
    if isinstance(made, Choice):
        sides = (_made_raw(program, made.then, depth - 1), _made_raw(program, made.other, depth - 1))
        return Scale.CLEAN if Scale.CLEAN in sides else max(sides, key=lambda s: s is Scale.UNKNOWN)
    return Scale.UNKNOWN


_SCALING_WORDS = frozenset("mean std var normalize running_mean_std obs_rms rms high low scale ptp clip tanh".split())


def _wrapped(program: Program, wrapper: Obj) -> Value | None:
    """The environment inside a wrapper of the project that leaves the scale of observations alone."""
    if not wrapper.made or not program.classes.is_a(wrapper.cls, "Wrapper", "ObservationWrapper", "RewardWrapper"):
        return None
    for cls in program.classes.linear(wrapper.cls):
        for method in cls.methods.values():
            if not _SCALING_WORDS.isdisjoint(method.words):
                return None
            if any(isinstance(v, Op) and v.op == "/" for v in _results(program, method)):
                return None
    return wrapper.keywords.get("env") or (wrapper.args[0] if wrapper.args else None)


def _results(program: Program, method: Function) -> Iterator[Value]:
    result = program.run(method).result
    if result is not None:
        yield from walk(result, 200)
