"""Objects of frameworks that are alive in this process: what trains, what holds data, what keeps the best weights."""

from __future__ import annotations

import gc
from typing import Any, TypeAlias

Living: TypeAlias = "dict[str, list[Any]]"
"""Objects, by the name of the class that they are known by."""

_KNOWN = {
    "DataLoader": "torch",
    "Trainer": "transformers",
    "TrainingArguments": "transformers",
    "ModelCheckpoint": "lightning",
    "EarlyStopping": "lightning",
}
"""Classes, and part of the name of the package that they are of."""


def found() -> Living:
    """Look through all objects once. Neither an attribute nor a property of any of them is asked."""
    alive: Living = {name: [] for name in _KNOWN}
    of: dict[type, str] = {}
    for thing in gc.get_objects():
        kind = type(thing)
        if kind not in of:
            known = (base.__name__ for base in kind.__mro__ if base.__name__ in _KNOWN)
            of[kind] = next((name for name in known if _KNOWN[name] in _packages(kind)), "")
        if of[kind]:
            alive[of[kind]].append(thing)
    return alive


def _packages(kind: type) -> str:
    return " ".join(str(base.__module__).partition(".")[0] for base in kind.__mro__)
