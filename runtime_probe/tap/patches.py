"""What the tap has put in place of functions of torch, numpy and math, so that it can be taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_ABSENT = object()


class Patches:
    """Replaced attributes and registered hooks, in order.

    A script that was launched with the tap inside keeps them to its end. A session in somebody else's
    process (`smoke_test`) takes them back.
    """

    def __init__(self) -> None:
        self._undo: list[Callable[[], object]] = []

    def replace(self, owner: Any, name: str, value: Any) -> None:
        """Set an attribute of a class or module."""
        # Not getattr: what a class inherits must not be left as its own.
        original = vars(owner).get(name, _ABSENT)
        setattr(owner, name, value)
        if original is _ABSENT:
            self.afterwards(lambda: delattr(owner, name))
        else:
            self.afterwards(lambda: setattr(owner, name, original))

    def afterwards(self, undo: Callable[[], object]) -> None:
        """Remember what takes something back."""
        self._undo.append(undo)

    def undo(self) -> None:
        """Take everything back, the latest first."""
        while self._undo:
            self._undo.pop()()
