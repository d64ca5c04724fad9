"""What environments give back: rewards and lengths of episodes, seen at the outermost environment.

Those of gymnasium and gym are watched where they are made. One of the script's own is an object with `reset` and
`step` that is at hand when the first loss is computed.
"""

from __future__ import annotations

import contextlib
import functools
import sys
from typing import TYPE_CHECKING, Any

import torch

from runtime_probe.launch.after_import import when_imported
from runtime_probe.tap import places
from runtime_probe.tap.rewards import REWARDS, is_whole
from runtime_probe.tap.transitions import Transitions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from runtime_probe.tap.session import Session

_VECTORS = ("SyncVectorEnv", "AsyncVectorEnv")
_LIMITS = ("max_episode_steps", "_max_episode_steps", "horizon", "limit", "max_steps", "episode_length")
_ROWS = 2
"""Dimensions of observations of many environments (N, D); their rewards are (N)."""
_COMPARED = 100
"""Steps whose observations are compared: one that is reused is so from the first."""
_MOST = 10_000
"""Rewards of one step that are counted."""


def install(session: Session) -> None:
    """Watch the environments that are made from now on."""
    for name in ("gymnasium", "gym"):
        when_imported(name, lambda module: _watch(session, module))


def _watch(session: Session, module: Any) -> None:
    steps = session.environments = session.environments or Steps(session)
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


def find(session: Session, *, at_hand: bool) -> None:
    """Watch environments of the script's own; `at_hand` counts rewards that lie ready, where none was seen coming.

    A buffer that is made before the first step is still empty, so they are counted when there is a loss.
    """
    steps = session.environments = session.environments or Steps(session)
    most: Any = ()
    for frame in places.user_frames(2):
        scopes = [frame.f_locals, frame.f_globals]
        holder = frame.f_locals.get("self")
        scopes += [vars(holder)] if hasattr(holder, "__dict__") and not isinstance(holder, torch.nn.Module) else []
        for scope in scopes:
            for name, value in list(scope.items()):
                if _is_environment(value):
                    _watch_own(session, steps, value)
                elif _is_own(value):
                    session.record.rewards.stored_whole = stored_whole(value) or session.record.rewards.stored_whole
                elif name.strip("_").lower() in REWARDS and hasattr(value, "__len__"):
                    with contextlib.suppress(TypeError):  # a tensor without dimensions
                        most = max(most, value, key=len)
    if at_hand and not session.record.rewards.count and len(most):
        with contextlib.suppress(TypeError, ValueError):
            steps.note(most, ())
        session.record.rewards.longest = steps.length = 0


def are_known(session: Session) -> bool:
    """Whether there are environments to act in: those of a library that is imported, or of the script's own."""
    own = session.environments is not None and bool(session.environments.kinds)
    return own or "gymnasium" in sys.modules or "gym" in sys.modules


def _is_own(value: Any) -> bool:
    """Whether something is an object of a class of the script's own, and no part of a model."""
    return places.is_of_user(value) and not isinstance(value, (type, torch.nn.Module, torch.optim.Optimizer))


def _is_environment(value: Any) -> bool:
    kind = type(value)
    return _is_own(value) and callable(getattr(kind, "step", None)) and callable(getattr(kind, "reset", None))


def stored_whole(holder: Any) -> str:
    """Name the array of rewards of a buffer that holds whole numbers; empty for none."""
    for name, value in vars(holder).items() if hasattr(holder, "__dict__") else ():
        if name.strip("_").lower() in REWARDS and is_whole(value):
            return f"{type(holder).__name__}.{name}"
    return ""


def _watch_own(session: Session, steps: Steps, value: Any) -> None:
    kind = type(value)
    if kind not in steps.kinds:
        steps.kinds.add(kind)
        kind.step = steps.watched(kind.step, vector=True)
    for name in _LIMITS:
        limit = getattr(value, name, None)
        if isinstance(limit, int) and limit > 1 and not session.record.rewards.limit:
            session.record.rewards.limit = limit


def _alike(value: Any, observation: Any) -> bool:
    """Whether something may be an observation, too."""
    shape = getattr(value, "shape", ())
    return len(shape) >= _ROWS or (len(shape) > 0 and shape == getattr(observation, "shape", ()))


def _is_end(value: Any) -> bool:
    """Whether something may say that an episode is over, or which ones of many are."""
    one = value[0] if isinstance(value, (list, tuple)) and value else value
    return isinstance(one, (bool, int)) or (hasattr(one, "dtype") and getattr(value, "ndim", 1) < _ROWS)


def _count(end: Any) -> int:
    if isinstance(end, torch.Tensor):
        return int(end.sum())
    return int(sum(end) if _is_many(end) else bool(end))


def _is_many(value: Any) -> bool:
    return hasattr(value, "__len__") and getattr(value, "ndim", 1) > 0


class Steps:
    """Counts rewards; inside a vector of environments only the vector's own step counts."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.depth = 0
        self.kinds: set[type] = set()
        self.compared = 0
        self.last: tuple[Any, Any] = None, None
        """The observation that was returned last, and what it held."""
        self.total = 0.0
        self.length = 0
        self.latest: list[float] = []
        """Rewards of the last step."""
        self.transitions = Transitions()

    def watched(self, step: Callable[..., Any], *, vector: bool) -> Callable[..., Any]:
        """Return `step` with its rewards noted."""

        @functools.wraps(step)
        def watched(*args: Any, **kwargs: Any) -> Any:
            self.depth += vector
            try:
                result = step(*args, **kwargs)
            finally:
                self.depth -= vector
            if self.session.active and not self.depth and isinstance(result, tuple) and len(result) >= 2:
                with self.session.looking("looking at a reward"):
                    # (observation, reward, done), with something else behind it as a rule, and some with the last
                    # observation of episodes before it.
                    place = next((n for n in range(1, len(result) - 1) if not _alike(result[n], result[0])), 1)
                    self.note(result[place], [end for end in result[place + 1 :] if _is_end(end)])
                    self._compare(result[0])
                    environment = id(args[0]) if vector and args else id(step)
                    self._note_transition(environment, args[vector:], kwargs, result[0])
                    self.session.calls.acting.note_step()
                    self.session.calls.evaluated.note_step()
            return result

        return watched

    def _note_transition(self, environment: int, given: Any, named: dict[str, Any], observation: Any) -> None:
        action = given[0] if given else next(iter(named.values()), None)
        self.transitions.note(environment, action, observation, self.latest, ended=self.length == 0)

    def _compare(self, observation: Any) -> None:
        """Is it the array of the step before, with other numbers in it?"""
        rewards, np = self.session.record.rewards, sys.modules.get("numpy")
        self.compared += 1
        if rewards.reused or self.compared > _COMPARED:
            return
        if np is None or not isinstance(observation, np.ndarray) or not observation.ndim:
            return
        last, copy = self.last
        if last is observation and not np.array_equal(observation, copy):
            rewards.reused = True
        self.last = observation, observation.copy()

    def note(self, reward: Any, ends: Iterable[Any]) -> None:
        """Count the rewards of one step, of one environment or many."""
        rewards = self.session.record.rewards
        if isinstance(reward, torch.Tensor):
            reward = reward.detach().flatten().tolist()
        values = [float(value) for value in reward] if _is_many(reward) else [float(reward)]
        self.latest = values
        for value in values[:_MOST]:
            rewards.minimum = min(rewards.minimum, value) if rewards.count else value
            rewards.maximum = max(rewards.maximum, value) if rewards.count else value
            rewards.count += 1
            rewards.nonzero += value != 0.0
            rewards.fractions += value % 1 != 0
            self.total += value
        rewards.mean = self.total / max(rewards.count, 1)
        if self.session.watching:
            self.session.policy.note_rewards(values, ends)
        self.length += 1
        rewards.longest = max(rewards.longest, self.length)
        ended = sum(_count(end) for end in ends)
        if ended:
            rewards.episodes += ended
            self.length = 0
