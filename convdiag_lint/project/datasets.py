"""What loaders and data sets of the project hand out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convdiag_lint.project.origins import origins
from convdiag_lint.project.values import Call, Elem, FuncVal, Item, Obj, Seq, Value, call_name

if TYPE_CHECKING:
    from convdiag_lint.project.program import Program


def element_of(program: Program, value: Value) -> Value | None:
    """What a loader over a dataset of the project hands out."""
    iterable = value.iterable if isinstance(value, Elem) else value
    for origin in origins(program, iterable):
        dataset = origin
        if isinstance(origin, Call) and call_name(origin) in (
            "DataLoader",
            "iter",
            "cycle",
            "tqdm",
            "enumerate",
            "prefetch",
        ):
            if not origin.args and "dataset" not in origin.keywords:
                continue
            inner = origin.keywords.get("dataset") or origin.args[0]
            nested = element_of(program, inner) if call_name(origin) != "DataLoader" else None
            if nested is not None:
                return nested
            dataset = inner
        several = [_undivided(program, whole) for whole in origins(program, dataset)]
        if len(several) > 1 and not all(isinstance(m, Obj) or call_name(m) == "TensorDataset" for m in several):
            # One of these is a package's, and which one it is only a launch tells.
            return None
        for made in several:
            if call_name(made) == "TensorDataset" and isinstance(made, Call):
                return Seq("tuple", made.args)
            if isinstance(made, Obj):
                getter = program.classes.method(made.cls, "__getitem__")
                if getter is not None and value is not made:
                    return Call(FuncVal(getter, None, made), (Value("index"),), {}, getter, getter.span)
    return None


def _undivided(program: Program, dataset: Value) -> Value:
    """The dataset that a split or a subset is a part of."""
    for _ in range(4):
        split = dataset.base if isinstance(dataset, Item) else dataset
        if not isinstance(split, Call) or call_name(split) not in ("random_split", "Subset", "ConcatDataset"):
            break
        parts = split.args[0] if split.args else split.keywords.get("dataset")
        inner = parts.items[0] if isinstance(parts, Seq) and parts.items else parts
        found = origins(program, inner) if inner is not None else []
        if len(found) != 1:
            break
        dataset = found[0]
    return dataset
