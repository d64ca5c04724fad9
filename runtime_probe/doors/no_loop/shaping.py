"""A batch that a model and its loss accept: guessed, tried, and changed by what they complain about."""

from __future__ import annotations

import heapq
import itertools
import time
import warnings
from typing import TYPE_CHECKING, Any

from torch.nn.modules import module as hooks

from runtime_probe.doors.keeping import Kept
from runtime_probe.doors.no_loop import complaints
from runtime_probe.doors.no_loop.plan import DoorError
from runtime_probe.tap.randomness import Randomness

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch
    from torch import nn

    from runtime_probe.doors.no_loop.parts import Part

TRIES = 200
SECONDS = 30.0
TRIED_WITH = (5, 3)
"""Samples in the batches that are tried: no sizes that models are made with, and two, so that no other dimension
happens to be that of the batch."""


def search(
    model: nn.Module, parts: tuple[Part, ...], use: Callable[[dict[str, torch.Tensor]], Any], what: str
) -> tuple[tuple[Part, ...], Any]:
    """Return parts with which `use` does not fail, and what it then gives.

    The next batch to be tried is the one whose run got furthest. `use` gets tensors by the names of the
    parts. Raises DoorError with the last complaint when nothing helps.
    """
    order = itertools.count()
    waiting = [(0, next(order), parts)]
    seen = {parts}
    first = furthest = ""
    best = -1
    started = time.monotonic()
    for _ in range(TRIES):
        if not waiting or time.monotonic() - started > SECONDS:
            break
        _, _, tried = heapq.heappop(waiting)
        reached, complaint, result = _try(model, tried, use)
        if not complaint:
            return tried, result
        first = first or complaint
        if reached > best:
            best, furthest = reached, complaint
        for following in complaints.answers(complaint, tried):
            if following not in seen:
                seen.add(following)
                heapq.heappush(waiting, (-reached, next(order), following))
    shown = "; ".join(map(str, parts)) or "nothing"
    raise DoorError(f"no batch was found that {what} accepts: {furthest} (the first try was {shown}); see --batch")


def _try(
    model: nn.Module, parts: tuple[Part, ...], use: Callable[[dict[str, torch.Tensor]], Any]
) -> tuple[int, str, Any]:
    """Modules that ran to their end, the complaint, and the result; the model stays as it is."""
    reached = 0

    def count(module: nn.Module, args: Any, output: Any) -> None:
        nonlocal reached
        reached += 1

    kept, randomness = Kept([model], None), Randomness()
    handle = hooks.register_module_forward_hook(count)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("error", message="Using a target size")
            results = [use({part.name: part.draw(n) for part in parts}) for n in TRIED_WITH]
            return reached, "", results[0]
    except Exception as error:  # noqa: BLE001 - whatever it is, it is about this batch, or the search ends
        return reached, f"{type(error).__name__}: {error}", None
    finally:
        handle.remove()
        kept.put_back()
        randomness.put_back()
