"""Lines of the user's code on the stack."""

from __future__ import annotations

import os
import site
import sys
import sysconfig
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import convdiag_lint
import runtime_probe
from runtime_probe.record import Where

if TYPE_CHECKING:
    from types import FrameType

_HERE = tuple(
    os.path.realpath(os.path.dirname(package.__file__ or "")) + os.sep for package in (convdiag_lint, runtime_probe)
)
_PACKAGES = tuple(
    os.path.realpath(path) + os.sep
    for path in {*site.getsitepackages(), site.getusersitepackages(), sysconfig.get_path("purelib")}
)
_STANDARD = tuple(os.path.realpath(sysconfig.get_path(name)) + os.sep for name in ("stdlib", "platstdlib"))
MADE_AT = "_convdiag_where"
"""Attribute of a scalar tensor: the line that computed it, if that was watched."""
_TORCH = os.path.realpath(os.path.dirname(sys.modules["torch"].__file__ or "")) + os.sep
_FRAMEWORKS = {
    "lightning": "lightning",
    "pytorch_lightning": "lightning",
    "lightning_fabric": "lightning",
    "transformers": "transformers",
    "accelerate": "accelerate",
}


@lru_cache(maxsize=4096)
def is_user(filename: str) -> bool:
    """Whether a file is the user's own: in no package folder, not of Python, not of the probe."""
    if not filename or filename.startswith("<"):
        return False
    path = os.path.realpath(filename)
    if path.startswith((*_HERE, *_PACKAGES)) or "site-packages" in path or "dist-packages" in path:
        return False
    return not path.startswith(_STANDARD)


def is_of_user(value: Any) -> bool:
    """Whether something is an object of a class of the user's own."""
    return is_user(getattr(sys.modules.get(type(value).__module__), "__file__", None) or "")


def is_probe(filename: str) -> bool:
    """Whether a file is the probe's."""
    return os.path.realpath(filename).startswith(_HERE)


@lru_cache(maxsize=4096)
def _is_own(filename: str) -> bool:
    """Whether a file belongs to the probe, torch or Python."""
    path = os.path.realpath(filename)
    inside = path.startswith((*_HERE, _TORCH)) or filename.startswith("<")
    return inside or (path.startswith(_STANDARD) and not path.startswith(_PACKAGES))


def here(depth: int = 1) -> Where:
    """Return the innermost line of the user's code, or else the innermost outside torch."""
    frame: FrameType | None = sys._getframe(depth)
    other: FrameType | None = None
    while frame is not None:
        filename = frame.f_code.co_filename
        if is_user(filename):
            return _where(frame)
        if other is None and not _is_own(filename):
            other = frame
        frame = frame.f_back
    return _where(other) if other is not None else Where()


def directly(depth: int = 1) -> Where | None:
    """Return the line of the user's code that called torch itself; None if somebody else's code did."""
    frame: FrameType | None = sys._getframe(depth)
    while frame is not None:
        filename = frame.f_code.co_filename
        if is_user(filename):
            return _where(frame)
        if not _is_own(filename):
            return None
        frame = frame.f_back
    return None


def exactly(depth: int = 1) -> Where | None:
    """Return the line at this depth if it is one of the user's code; a function of torch in between has its own."""
    frame = sys._getframe(depth)
    return _where(frame) if is_user(frame.f_code.co_filename) else None


def _where(frame: FrameType) -> Where:
    return Where(os.path.abspath(frame.f_code.co_filename), frame.f_lineno, frame.f_code.co_name)


def framework(depth: int = 1) -> str:
    """Name the training framework on the stack; `raw` without one."""
    frame: FrameType | None = sys._getframe(depth)
    found = "raw"
    while frame is not None:
        package = (frame.f_globals.get("__name__") or "").partition(".")[0]
        name = _FRAMEWORKS.get(package)
        # accelerate also runs below the other two.
        if name and (found == "raw" or name != "accelerate"):
            found = name
        frame = frame.f_back
    return found


def user_frames(depth: int = 1) -> list[FrameType]:
    """Frames of the user's code, innermost first."""
    frames = []
    frame: FrameType | None = sys._getframe(depth)
    while frame is not None:
        if is_user(frame.f_code.co_filename):
            frames.append(frame)
        frame = frame.f_back
    return frames


def files() -> list[str]:
    """Files of the user that this process has imported or run."""
    # At exit the main module has lost its __file__ already.
    named = [sys.argv[0], *(getattr(module, "__file__", None) for module in list(sys.modules.values()))]
    found = {
        os.path.abspath(name)
        for name in named
        # torch has modules whose file does not exist.
        if isinstance(name, str) and name.endswith(".py") and is_user(name) and os.path.isfile(name)
    }
    return sorted(found)
