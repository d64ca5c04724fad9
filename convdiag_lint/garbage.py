"""When not to look for garbage."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def uncollected(*, forever: bool = False) -> Iterator[None]:
    """Keep the garbage collector from walking through what is read of a project.

    That is millions of small objects that live as long as the program: looking for garbage among
    them finds none, and costs more than parsing does. A program that ends soon after, or goes on to
    other things with all of this in its memory, asks for it never to be looked at: `forever`.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if forever:
            gc.freeze()
        if enabled:
            gc.enable()
