"""What environments give back: rewards and lengths of episodes, seen at the outermost environment.

gymnasium and gym only; an environment of the script's own has no name to know it by.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from runtime_probe.launch.after_import import when_imported

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from runtime_probe.tap.session import Session

_VECTORS = ("SyncVectorEnv", "AsyncVectorEnv")


def install(session: Session) -> None:
    """Watch the environments that are made from now on."""
    for name in ("gymnasium", "gym"):
        when_imported(name, lambda module: _watch(session, module))


def _watch(session: Session, module: Any) -> None:
    steps = Steps(session)
    make = module.make

    @functools.wraps(make)
    def made(*args: Any, **kwargs: Any) -> Any:
        environment = make(*args, **kwargs)
        limit = getattr(getattr(environment, "spec", None), "max_episode_steps", None)
        if isinstance(limit, int):
            session.record.rewards.limit = limit
        environment.step = steps.watched(environment.step, vector=False)
        return environment

    module.make = made
    for name in _VECTORS:
        cls = getattr(getattr(module, "vector", None), name, None)
        if cls is not None:
            cls.step = steps.watched(cls.step, vector=True)


class Steps:
    """Counts rewards; inside a vector of environments only the vector's own step counts."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.depth = 0
        self.total = 0.0
        self.length = 0

    def watched(self, step: Callable[..., Any], *, vector: bool) -> Callable[..., Any]:
        """Return `step` with its rewards noted."""

        @functools.wraps(step)
        def watched(*args: Any, **kwargs: Any) -> Any:
            self.depth += vector
            try:
                result = step(*args, **kwargs)
            finally:
                self.depth -= vector
            if self.session.active and not self.depth and isinstance(result, tuple) and len(result) >= 4:
                try:
                    self._note(result[1], result[2:-1])
                except Exception as error:  # noqa: BLE001 - somebody's environment
                    self.session.anomaly("looking at a reward", error)
            return result

        return watched

    def _note(self, reward: Any, ends: Iterable[Any]) -> None:
        rewards = self.session.record.rewards
        values = [float(value) for value in reward] if hasattr(reward, "__len__") else [float(reward)]
        for value in values:
            rewards.minimum = min(rewards.minimum, value) if rewards.count else value
            rewards.maximum = max(rewards.maximum, value) if rewards.count else value
            rewards.count += 1
            rewards.nonzero += value != 0.0
            self.total += value
        rewards.mean = self.total / rewards.count
        self.length += 1
        rewards.longest = max(rewards.longest, self.length)
        ended = sum(int(sum(end) if hasattr(end, "__len__") else bool(end)) for end in ends)
        if ended:
            rewards.episodes += ended
            self.length = 0
