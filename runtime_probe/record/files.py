"""Records as files: the tap writes them, the launcher reads them back."""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from typing import TYPE_CHECKING, Any, get_args, get_origin, get_type_hints

from runtime_probe.record import Record

if TYPE_CHECKING:
    from pathlib import Path


def write(record: Record, path: Path) -> None:
    """Write a record whole or not at all."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps(dataclasses.asdict(record)), encoding="utf-8")
    part.replace(path)


def read(path: Path) -> Record:
    """Read a record back. Raises ValueError for a file that holds none."""
    value = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(value, dict):
        raise ValueError(f"{path} holds no record")  # noqa: TRY004 - a bad file, not a bad argument
    made: Record = _build(Record, value)
    return made


def _build(kind: Any, value: Any) -> Any:
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        hints = get_type_hints(kind)
        return kind(**{key: _build(hints[key], item) for key, item in value.items() if key in hints})
    origin = get_origin(kind)
    if origin is list:
        return [_build(get_args(kind)[0], item) for item in value]
    if origin in (types.UnionType, typing.Union):
        return None if value is None else _build(next(a for a in get_args(kind) if a is not type(None)), value)
    return value
