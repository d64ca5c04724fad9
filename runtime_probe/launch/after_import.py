"""Calls back once a module has been imported, so that nothing is imported that the script does not want."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

_waiting: dict[str, list[Callable[[ModuleType], None]]] = {}


def when_imported(name: str, callback: Callable[[ModuleType], None]) -> None:
    """Call back with the module after it has run to its end; at once if it was imported before.

    What the callback raises is kept from the script.
    """
    if name in sys.modules:
        _call(callback, sys.modules[name])
        return
    _waiting.setdefault(name, []).append(callback)
    if _Finder not in sys.meta_path:
        sys.meta_path.insert(0, _Finder)


class _Finder:
    """Lets the finders behind it find the module, and sees it run."""

    @classmethod
    def find_spec(cls, name: str, path: Sequence[str] | None = None, target: Any = None) -> ModuleSpec | None:
        if name not in _waiting:
            return None
        for finder in list(sys.meta_path):
            if finder is cls or not hasattr(finder, "find_spec"):
                continue
            spec = finder.find_spec(name, path, target)
            if spec is not None:
                _watch(spec)
                return spec
        return None


def _watch(spec: ModuleSpec) -> None:
    """Have the module's own loader call back: its class, and what inspect asks of it, stay as they are."""
    loader = spec.loader
    original = getattr(loader, "exec_module", None)
    if loader is None or original is None:
        return

    def exec_module(module: ModuleType) -> None:
        original(module)
        for callback in _waiting.pop(spec.name, []):
            # A module may put another object in its own place.
            _call(callback, sys.modules.get(spec.name, module))

    try:
        # One loader of one module, not its class: no other import is touched.
        loader.exec_module = exec_module  # type: ignore[method-assign]
    except AttributeError:
        return  # a loader with slots: built in or frozen, none that we wait for


def _call(callback: Callable[[ModuleType], None], module: ModuleType) -> None:
    try:
        callback(module)
    except Exception as error:  # noqa: BLE001 - the user's import must not fail because of us
        from runtime_probe.launch import trouble  # noqa: PLC0415 - rarely needed

        trouble.write(f"after the import of {module.__name__}", error)
