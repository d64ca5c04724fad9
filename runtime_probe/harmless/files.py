"""Puts the guard in front of the functions by which Python reaches files.

What a script uses (open, pathlib, shutil, tempfile, zipfile, numpy, logging) ends in these.
"""

from __future__ import annotations

import builtins
import functools
import io
import os
from typing import TYPE_CHECKING, Any

from runtime_probe.harmless.inside import inside
from runtime_probe.launch.after_import import when_imported

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from runtime_probe.harmless.guard import Guard

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_SETS = ("supports_dir_fd", "supports_fd", "supports_follow_symlinks", "supports_effective_ids")


def install(guard: Guard) -> None:
    """Replace the functions, for everything that is imported from now on."""
    replaced: dict[Any, Any] = {}

    def replace(name: str, make: Callable[[Guard, Any], Any]) -> None:
        original = getattr(os, name, None)
        if original is not None:
            wrapper = _like(original, make(guard, original), "os")
            replaced[original] = wrapper
            setattr(os, name, wrapper)

    opener = _like(io.open, _open(guard, io.open), "io")
    replaced[io.open] = opener
    io.open = builtins.open = opener
    for name, make in _TABLE.items():
        replace(name, make)
    for name in _SETS:
        functions = getattr(os, name)
        functions |= {wrapper for original, wrapper in replaced.items() if original in functions}
    when_imported("pathlib", functools.partial(_replace_in_pathlib, replaced))


def _like(original: Any, wrapper: Any, module: str) -> Any:
    """Make the wrapper look like the original, also to pickle."""
    if wrapper is original:
        return original
    made = functools.wraps(original)(wrapper)
    made.__module__ = module
    return made


def _replace_in_pathlib(replaced: dict[Any, Any], pathlib: ModuleType) -> None:
    """Python 3.10 keeps the functions in a class, where wrappers would be methods; other versions look them up."""
    accessor = getattr(pathlib, "_NormalAccessor", None)
    wrappers = {wrapper: wrapper for wrapper in replaced.values()}
    for name, value in list(vars(accessor).items()) if accessor else ():
        function = getattr(value, "__func__", value)
        wrapper = replaced.get(function) or wrappers.get(function) if callable(function) else None
        if wrapper is not None:
            setattr(accessor, name, staticmethod(wrapper))


def _open(guard: Guard, original: Any) -> Any:
    def open(  # noqa: A001
        file: Any,
        mode: str = "r",
        buffering: int = -1,
        encoding: Any = None,
        errors: Any = None,
        newline: Any = None,
        closefd: bool = True,
        opener: Any = None,
    ) -> Any:
        rest = (mode, buffering, encoding, errors, newline, closefd, opener)
        if inside.depth or isinstance(file, int) or not isinstance(mode, str):
            return original(file, *rest)
        if not set(mode) & set("wax+"):
            return original(file if guard.is_clean() else guard.reading(file), *rest)
        place = guard.writing(
            file,
            what="overwritten" if "w" in mode else "appended to" if "a" in mode else "changed",
            copy="w" not in mode,
            create="r" not in mode,
            exclusive="x" in mode,
        )
        if opener is not None:
            return original(place, *rest)
        with inside:
            made = original(place, *rest)
        if place is not file:
            _rename_stream(made, file)
        return made

    return open


def _rename_stream(stream: Any, name: Any) -> None:
    """Have `stream.name` be what the script asked for."""
    raw = getattr(stream, "buffer", stream)
    raw = getattr(raw, "raw", raw)
    try:
        raw.name = name
    except AttributeError:
        return


def _os_open(guard: Guard, original: Any) -> Any:
    def open(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> Any:  # noqa: A001
        if inside.depth:
            return original(path, flags, mode, dir_fd=dir_fd)
        temporary = getattr(os, "O_TMPFILE", 0)
        if not flags & _WRITES or (temporary and flags & temporary == temporary):
            place = path if guard.is_clean() else guard.reading(path, dir_fd)
        else:
            place = guard.writing(
                path,
                dir_fd,
                what="overwritten" if flags & os.O_TRUNC else "appended to" if flags & os.O_APPEND else "changed",
                copy=not flags & os.O_TRUNC,
                create=bool(flags & os.O_CREAT),
                exclusive=bool(flags & os.O_EXCL),
            )
        with inside:
            return original(place, flags, mode, dir_fd=dir_fd)

    return open


def _reader(guard: Guard, original: Any) -> Any:
    """Wrap what asks about a path and follows links, unless told not to."""

    def wrapper(path: Any, *args: Any, **kwargs: Any) -> Any:
        if inside.depth or isinstance(path, int) or guard.is_clean():
            return original(path, *args, **kwargs)
        return original(
            guard.reading(path, kwargs.get("dir_fd"), follow=kwargs.get("follow_symlinks", True)), *args, **kwargs
        )

    return wrapper


def _link_reader(guard: Guard, original: Any) -> Any:
    def wrapper(path: Any, *args: Any, **kwargs: Any) -> Any:
        if inside.depth or guard.is_clean():
            return original(path, *args, **kwargs)
        return original(guard.reading(path, kwargs.get("dir_fd"), follow=False), *args, **kwargs)

    return wrapper


def _access(guard: Guard, original: Any) -> Any:
    reader = _reader(guard, original)

    def access(path: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return reader(path, *args, **kwargs)
        except FileNotFoundError:
            return False

    return access


def _listdir(guard: Guard, original: Any) -> Any:
    def listdir(path: Any = None) -> Any:
        if inside.depth or guard.is_clean():
            return original(path)
        place = path if path is None or isinstance(path, int) else guard.reading(path)
        return guard.visible(path, original(place))

    return listdir


class _Entries:
    """The entries of a folder without those that are gone."""

    def __init__(self, entries: Any, visible: Callable[[list[Any]], list[Any]]) -> None:
        self._entries = entries
        self._visible = visible
        self._iterator: Iterator[Any] | None = None

    def __iter__(self) -> _Entries:
        return self

    def __next__(self) -> Any:
        if self._iterator is None:
            entries = list(self._entries)
            names = set(self._visible([entry.name for entry in entries]))
            self._iterator = iter([entry for entry in entries if entry.name in names])
        return next(self._iterator)

    def __enter__(self) -> _Entries:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._entries.close()


def _scandir(guard: Guard, original: Any) -> Any:
    def scandir(path: Any = None) -> Any:
        if inside.depth or guard.is_clean():
            return original(path)
        place = path if path is None or isinstance(path, int) else guard.reading(path)
        return _Entries(original(place), lambda names: guard.visible(path, names))

    return scandir


def _remover(method: str) -> Callable[[Guard, Any], Any]:
    """Wrap a function of one path that changes the folder it is in."""

    def make(guard: Guard, original: Any) -> Any:
        decide = getattr(guard, method)

        def wrapper(path: Any, *args: Any, **kwargs: Any) -> Any:
            call = functools.partial(original, path, *args, **kwargs)
            return call() if inside.depth else decide(path, kwargs.get("dir_fd"), call)

        return wrapper

    return make


def _rename(guard: Guard, original: Any) -> Any:
    def rename(src: Any, dst: Any, *, src_dir_fd: int | None = None, dst_dir_fd: int | None = None) -> Any:
        call = functools.partial(original, src, dst, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)
        return call() if inside.depth else guard.rename(src, dst, (src_dir_fd, dst_dir_fd), call)

    return rename


def _link(guard: Guard, original: Any) -> Any:
    def link(src: Any, dst: Any, **kwargs: Any) -> Any:
        call = functools.partial(original, src, dst, **kwargs)
        fds = (kwargs.get("src_dir_fd"), kwargs.get("dst_dir_fd"))
        return call() if inside.depth else guard.make_hard_link(src, dst, fds, call)

    return link


def _symlink(guard: Guard, original: Any) -> Any:
    def symlink(src: Any, dst: Any, target_is_directory: bool = False, *, dir_fd: int | None = None) -> Any:
        call = functools.partial(original, src, dst, target_is_directory, dir_fd=dir_fd)
        return call() if inside.depth else guard.make_link(src, dst, dir_fd, call)

    return symlink


def _truncate(guard: Guard, original: Any) -> Any:
    def truncate(path: Any, length: int) -> Any:
        if inside.depth or isinstance(path, int):
            return original(path, length)
        place = guard.writing(path, what="truncated", copy=True, create=False)
        with inside:
            return original(place, length)

    return truncate


def _attributes(guard: Guard, original: Any) -> Any:
    links = original.__name__.startswith("l")

    def wrapper(path: Any, *args: Any, **kwargs: Any) -> Any:
        if inside.depth or isinstance(path, int):
            return original(path, *args, **kwargs)
        follow = not links and kwargs.get("follow_symlinks", True)
        return guard.attributes(
            path, kwargs.get("dir_fd"), lambda place: original(place, *args, **kwargs), follow=follow
        )

    return wrapper


_TABLE: dict[str, Callable[[Guard, Any], Any]] = {
    "open": _os_open,
    "stat": _reader,
    "getxattr": _reader,
    "listxattr": _reader,
    "lstat": _link_reader,
    "readlink": _link_reader,
    "access": _access,
    "listdir": _listdir,
    "scandir": _scandir,
    "remove": _remover("remove"),
    "unlink": _remover("remove"),
    "rmdir": _remover("remove_folder"),
    "mkdir": _remover("make_folder"),
    "mkfifo": _remover("make_other"),
    "mknod": _remover("make_other"),
    "rename": _rename,
    "replace": _rename,
    "link": _link,
    "symlink": _symlink,
    "truncate": _truncate,
    **dict.fromkeys(("chmod", "lchmod", "chown", "lchown", "utime", "setxattr", "removexattr"), _attributes),
}
