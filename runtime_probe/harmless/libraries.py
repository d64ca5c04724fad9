"""Libraries that reach files from C++ or Rust, past Python's own functions."""

from __future__ import annotations

import functools
import inspect
import os
from typing import TYPE_CHECKING, Any

from runtime_probe.launch.after_import import when_imported

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from runtime_probe.harmless.guard import Guard

# Module, function (or Class.method), argument that is the path.
_WRITERS = (
    ("torch", "save", "f"),
    ("torch", "jit.save", "f"),
    ("torch", "jit.ScriptModule.save", "f"),
    ("torch", "jit.RecursiveScriptModule.save", "f"),
    ("torch", "jit.ScriptFunction.save", "f"),
    ("torch", "export.save", "f"),
    ("safetensors.torch", "save_file", "filename"),
    ("safetensors.torch", "save_model", "filename"),
    ("safetensors.numpy", "save_file", "filename"),
    ("cv2", "imwrite", "filename"),
    ("cv2", "VideoWriter", "filename"),
    ("soundfile", "SoundFile.__init__", "file"),
    ("pyarrow.parquet", "write_table", "where"),
)
_READERS = (
    ("torch", "load", "f"),
    ("torch", "jit.load", "f"),
    ("torch", "export.load", "f"),
    ("safetensors.torch", "load_file", "filename"),
    ("safetensors.torch", "load_model", "filename"),
    ("safetensors.numpy", "load_file", "filename"),
    ("cv2", "imread", "filename"),
    ("cv2", "VideoCapture", "filename"),
    ("pyarrow.parquet", "read_table", "source"),
)


def install(guard: Guard) -> None:
    """Wrap each function once its module has been imported."""

    def write(path: Any) -> Any:
        return guard.writing(path) if isinstance(path, (str, bytes, os.PathLike)) else path

    def read(path: Any) -> Any:
        if guard.is_clean() or not isinstance(path, (str, bytes, os.PathLike)):
            return path
        return guard.reading(path)

    for module, name, argument in _WRITERS:
        when_imported(module, functools.partial(_wrap, name, argument, write))
    for module, name, argument in _READERS:
        when_imported(module, functools.partial(_wrap, name, argument, read))
    when_imported("h5py", functools.partial(_h5py, guard))
    when_imported("sqlite3.dbapi2", functools.partial(_sqlite, guard))
    when_imported("sqlite3", functools.partial(_sqlite, guard))
    when_imported("safetensors", functools.partial(_safe_open, read))


def _owner(module: ModuleType, name: str) -> tuple[Any, str]:
    *above, last = name.split(".")
    owner: Any = module
    for word in above:
        owner = getattr(owner, word, None)
    return owner, last


def _wrap(name: str, argument: str, place: Callable[[Any], Any], module: Any) -> None:
    """Replace a function by one that hands it another path."""
    owner, last = _owner(module, name)
    original = getattr(owner, last, None)
    if original is None or isinstance(original, type):
        return
    position = _position(original, argument, 1 if isinstance(owner, type) else 0)

    @functools.wraps(original)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if argument in kwargs:
            kwargs[argument] = place(kwargs[argument])
        elif len(args) > position:
            args = (*args[:position], place(args[position]), *args[position + 1 :])
        return original(*args, **kwargs)

    setattr(owner, last, wrapper)


def _position(function: Any, argument: str, otherwise: int) -> int:
    try:
        return list(inspect.signature(function).parameters).index(argument)
    except (TypeError, ValueError):
        return otherwise  # from C, without a signature: the path comes first


def _safe_open(read: Callable[[Any], Any], module: Any) -> None:
    """`safe_open` is a class of Rust; a subclass keeps it one."""
    original: Any = module.safe_open

    def safe_open(filename: Any, *args: Any, **kwargs: Any) -> Any:
        return original(read(filename), *args, **kwargs)

    module.safe_open = functools.wraps(original, updated=())(safe_open)


def _h5py(guard: Guard, module: Any) -> None:
    original: Any = module.File.__init__

    @functools.wraps(original)
    def __init__(self: Any, name: Any, mode: Any = "r", *args: Any, **kwargs: Any) -> None:  # noqa: N807
        if isinstance(name, (str, bytes, os.PathLike)):
            if mode in {None, "r"}:
                name = name if guard.is_clean() else guard.reading(name)
            else:
                name = guard.writing(
                    name,
                    what="overwritten" if mode == "w" else "changed",
                    copy=mode != "w",
                    create=mode != "r+",
                    exclusive=mode in {"x", "w-"},
                )
        original(self, name, mode, *args, **kwargs)

    module.File.__init__ = __init__


def _sqlite(guard: Guard, module: Any) -> None:
    original: Any = module.connect
    if hasattr(original, "__wrapped__"):
        return

    @functools.wraps(original)
    def connect(database: Any, *args: Any, **kwargs: Any) -> Any:
        return original(_database(guard, database, uri=bool(kwargs.get("uri"))), *args, **kwargs)

    module.connect = connect


def _database(guard: Guard, database: Any, *, uri: bool) -> Any:
    text = os.fsdecode(database) if isinstance(database, (str, bytes, os.PathLike)) else ""
    if not text or text.startswith(":"):
        return database
    query = ""
    if uri and text.startswith("file:"):
        text, _, query = text[5:].partition("?")
        if not text or text.startswith(":") or "mode=memory" in query:
            return database
        if text.startswith("//"):
            text = text[text.index("/", 2) :]
    place = text
    if "mode=ro" in query or "immutable=1" in query:
        place = text if guard.is_clean() else guard.reading(text)
    else:
        # Whether it will be changed is not known yet, so nothing is reported.
        place = guard.writing(text, what="", copy=True, create="mode=rw" not in query.split("&"))
        for suffix in ("-journal", "-wal", "-shm"):
            if place == text and not os.path.lexists(text + suffix) and not guard.was_there(text):
                guard.writing(text + suffix)
    if place == text:
        return database
    return f"file:{place}?{query}" if uri and str(database).startswith("file:") else place
