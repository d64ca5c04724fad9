"""Which place on the disk a path means, and whose place it is."""

from __future__ import annotations

import os
import sys
from typing import Any

_OPEN_TO_ALL = ("/dev/", "/proc/", "/sys/")
_CACHE_VARIABLES = (
    "XDG_CACHE_HOME", "HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_DATASETS_CACHE", "TRANSFORMERS_CACHE",
    "TORCH_HOME", "TORCH_EXTENSIONS_DIR", "TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR", "MPLCONFIGDIR",
    "NUMBA_CACHE_DIR", "CUDA_CACHE_PATH", "PIP_CACHE_DIR", "KERAS_HOME", "NLTK_DATA", "CONVDIAG_CACHE_DIR",
)  # fmt: skip
_CACHES_AT_HOME = (".cache", ".triton", ".nv", ".keras", ".config/matplotlib", ".matplotlib", "nltk_data")

_fspath, _getcwd, _readlink = os.fspath, os.getcwd, os.readlink


class Unknown(Exception):  # noqa: N818 - no error: there is nothing to guard
    """No place on the disk: a descriptor, or something that is no path."""


def text_of(path: Any) -> str:
    """Return a path as text. Raises Unknown for descriptors and what the original would reject."""
    if isinstance(path, int) or path is None:
        raise Unknown
    try:
        return os.fsdecode(_fspath(path))
    except TypeError:
        raise Unknown from None


def of_descriptor(descriptor: int) -> str:
    """Return the path of an open folder or file."""
    try:
        if sys.platform == "darwin":
            import fcntl

            return os.fsdecode(fcntl.fcntl(descriptor, fcntl.F_GETPATH, b"\0" * 1024).rstrip(b"\0"))
        return _readlink(f"/proc/self/fd/{descriptor}")
    except (OSError, ValueError):
        raise Unknown from None


def absolute(path: Any, dir_fd: int | None = None) -> str:
    """Return the path with all links above its last name resolved; that itself may be a link."""
    text = text_of(path)
    if "\0" in text or not text:
        raise Unknown
    if not os.path.isabs(text):
        text = os.path.join(of_descriptor(dir_fd) if dir_fd is not None else _getcwd(), text)
    above, name = os.path.split(text.rstrip(os.sep) or os.sep)
    if name in {"", ".", ".."}:
        return os.path.realpath(text)
    return os.path.join(os.path.realpath(above), name)


class Places:
    """Whose place a path is."""

    def __init__(self, run_folder: str, base: str) -> None:
        self._run_folder = os.path.realpath(run_folder) + os.sep
        self._caches: tuple[tuple[str | None, ...], tuple[str, ...]] = ((), ())
        self._folder = (base or os.path.realpath(os.getcwd())) + os.sep

    def is_exempt(self, path: str) -> bool:
        """Whether the script may do there as it likes."""
        return path.startswith(_OPEN_TO_ALL) or (path + os.sep).startswith(self._run_folder)

    def is_cache(self, path: str) -> bool:
        """Whether new files there stay: a download is worth keeping."""
        # The script may choose its caches itself, in os.environ.
        values = tuple(os.environ.get(name) for name in ("HOME", *_CACHE_VARIABLES))
        if values != self._caches[0]:
            home = os.path.expanduser("~")
            caches = [os.path.join(home, name) for name in _CACHES_AT_HOME] + [value for value in values[1:] if value]
            self._caches = (values, tuple(os.path.realpath(cache) + os.sep for cache in caches))
        return (path + os.sep).startswith(self._caches[1])

    def shown(self, path: str) -> str:
        """Return a path as the user would write it."""
        return path.removeprefix(self._folder)
