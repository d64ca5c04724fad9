"""Every state of randomness that a script can draw from: kept, and put back."""

from __future__ import annotations

import contextlib
import functools
import random
import sys
import weakref
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runtime_probe.tap.patches import Patches

_generators: weakref.WeakSet[torch.Generator] = weakref.WeakSet()
_numpy_generators: list[Any] = []
_LIMIT = 1000
"""Generators of numpy that are kept alive at most; a script that makes one for each sample makes many."""


class _Generator(torch.Generator):
    """A generator that is found again; instances of the original class cannot be listed."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        made = super().__new__(cls, *args, **kwargs)
        _generators.add(made)
        return made


def install(patches: Patches) -> None:
    """Take notice of all generators that are made from now on."""
    _Generator.__name__ = _Generator.__qualname__ = "Generator"
    patches.replace(torch, "Generator", _Generator)
    known, numpy_known = list(_generators), list(_numpy_generators)

    def forget() -> None:
        _generators.clear()
        _generators.update(known)
        _numpy_generators[:] = numpy_known

    patches.afterwards(forget)


def notice(generator: Any) -> None:
    """Take notice of a generator of torch or numpy that was there before."""
    if isinstance(generator, torch._C.Generator):  # torch.Generator is replaced
        _generators.add(generator)
    elif all(generator is not known for known in _numpy_generators):
        _numpy_generators.append(generator)


def watch_numpy(patches: Patches) -> None:
    """Take notice of numpy's generators; numpy must have been imported."""
    numpy = sys.modules.get("numpy")
    if numpy is None:
        return
    original = numpy.random.default_rng

    @functools.wraps(original)
    def default_rng(*args: Any, **kwargs: Any) -> Any:
        made = original(*args, **kwargs)
        if len(_numpy_generators) < _LIMIT:
            _numpy_generators.append(made)
        return made

    patches.replace(numpy.random, "default_rng", default_rng)


class Randomness:
    """The states of torch, CUDA, numpy, random and all generators at one moment."""

    def __init__(self) -> None:
        self.torch = torch.get_rng_state()
        self.cuda = torch.cuda.get_rng_state_all() if _cuda() else None
        self.python = random.getstate()
        numpy = sys.modules.get("numpy")
        self.numpy = numpy.random.get_state() if numpy is not None else None
        self.generators = [(weakref.ref(g), g.get_state()) for g in _generators]
        self.numpy_generators = [(g, g.bit_generator.state) for g in _numpy_generators]

    def put_back(self) -> None:
        """Let the next draws be those that followed the moment at which this was made."""
        torch.set_rng_state(self.torch)
        if self.cuda is not None:
            torch.cuda.set_rng_state_all(self.cuda)
        random.setstate(self.python)
        if self.numpy is not None:
            sys.modules["numpy"].random.set_state(self.numpy)
        for reference, state in self.generators:
            generator = reference()
            if generator is not None:
                generator.set_state(state)
        for generator, state in self.numpy_generators:
            generator.bit_generator.state = state


@contextlib.contextmanager
def untouched() -> Iterator[Randomness]:
    """Draw at will: afterwards the next draws are those that would have come before."""
    state = Randomness()
    try:
        yield state
    finally:
        state.put_back()


def _cuda() -> bool:
    return torch.cuda.is_available() and torch.cuda.is_initialized()
