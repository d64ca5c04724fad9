"""The same check in several processes."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING

from convdiag_lint.cache import Cache
from convdiag_lint.engine import Checker, Result
from convdiag_lint.garbage import uncollected
from convdiag_lint.validity import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

_checker: Checker | None = None


def spread(paths: Sequence[str], jobs: int, *, cached: bool) -> dict[str, Result]:
    """Analyse files in `jobs` processes; what each file gets does not depend on how many.

    Neighbours in the list go to the same process, because they read the same files.
    """
    size = max(1, min(16, -(-len(paths) // (4 * jobs))))
    batches = [paths[start : start + size] for start in range(0, len(paths), size)]
    results: dict[str, Result] = {}
    # Spawned, not forked: that works alike on all systems and with any threads of the caller.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(jobs, len(batches)), context) as pool:
        futures = [pool.submit(_analyse, batch, cached) for batch in batches]
        for batch, future in zip(batches, futures, strict=True):
            try:
                results.update(zip(batch, future.result(), strict=True))
            except BrokenProcessPool:
                lost = Problem("could not be analysed: the process that read it ended")
                results.update((path, Result("", problem=lost)) for path in batch)
    return results


def _analyse(paths: Sequence[str], cached: bool) -> list[Result]:
    global _checker  # noqa: PLW0603 - a process keeps what it has read from batch to batch
    if _checker is None:
        _checker = Checker(Cache() if cached else None)
    with uncollected(forever=True):
        return [_checker.full(path) for path in paths]
