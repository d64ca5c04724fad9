"""One-step targets of value functions: reward + gamma * (1 - end) * value of what follows.

The numbers a target is made of are there when it is compared: rewards and ends in the script's variables, values among
what modules gave back. A fit that leaves nothing open says which of them, and how.
"""

from __future__ import annotations

import gc
import itertools
import re
from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import torch
from torch import nn

from runtime_probe import thresholds as t
from runtime_probe.record import BackupRecord, TransitionRecord
from runtime_probe.tap.rewards import ENDS, at_hand
from runtime_probe.tap.statistics import tensors

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.tap.session import Session

_REWARDS = re.compile(r"rew|score|cost|return|(^|_)r$", re.IGNORECASE)
_GOES_ON = re.compile(r"alive|not_|non_?term|mask|contin|disc|gamma", re.IGNORECASE)
"""What scripts call what a value is multiplied by: 1 where the episode goes on, or a power of gamma."""
_CHANCES = re.compile(r"log_?p|entrop", re.IGNORECASE)
_TAU = re.compile(r"(target_|soft_|polyak_)?tau|polyak", re.IGNORECASE)
_LOOKS, _KEPT, _TRIED = 6, 12, 8
_FEWEST, _MOST, _LIVE = 12, 100_000, 5
"""Samples of a batch, and those of them whose target is more than a reward."""
_VARIED = 4
"""Different rewards in it."""
_EXACT = 1e-3
"""What a fit of numbers in single precision may leave open, of their spread."""
_OPEN = 1e-5
"""What is beside a reward in a target, of the largest one; less is rounding."""
_HELD, _HIGHEST = 0.05, 1.5
"""Coefficients: what is none, and what no discount is."""
_TABLE = 2
_TOO_OFTEN = 10.0
"""Samples without a value of what follows, for each end of an episode; targets of n steps see n times as many."""


Vectors: TypeAlias = "list[tuple[str, torch.Tensor]]"
"""Names, and numbers (N)."""


@dataclass(slots=True)
class _Asked:
    """A call of a module from outside."""

    module: nn.Module
    given: list[torch.Tensor]
    made: list[torch.Tensor]


@dataclass(slots=True)
class _Value:
    """Values (N) that a target may look ahead to."""

    numbers: torch.Tensor
    call: _Asked | None
    """None where it was picked from what several calls gave back."""


class Backups:
    """Calls of one iteration, and the targets that were made of what they gave back."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.asked: deque[_Asked] = deque(maxlen=_KEPT)
        self.looks = 0

    def note_call(self, module: nn.Module, args: Any, output: Any) -> None:
        """A module was called from outside, with gradients or without."""
        made = [tensor.detach() for _, tensor in tensors(output, "")]
        self.asked.append(_Asked(module, [t.detach() for _, t in tensors(args, "")], made))

    def forget(self) -> None:
        """An iteration is over."""
        self.asked.clear()

    def look(self, target: torch.Tensor, predicted: torch.Tensor) -> None:
        """A prediction (N) or (N, 1) is compared with a target: is that a reward and a value?"""
        rewards = self.session.record.rewards
        n = target.numel()
        fits = _FEWEST <= n <= _MOST and target.is_floating_point() and len(target) == n and not target.requires_grad
        if not fits or self.looks >= _LOOKS or not self.asked:
            return
        self.looks += 1
        rewards.tau = rewards.tau or _rate()
        steps = self.session.environments
        if steps is not None:
            rewards.transitions = _more(rewards.transitions, steps.transitions.look(n))
        vectors = _vectors(target)
        for name, reward in vectors:
            if len(reward.unique()) < _VARIED or not (rewards.count or _REWARDS.search(name)):
                continue
            found = self._made(target.detach().double().flatten(), reward, vectors, predicted)
            if found is not None and (found.discount or _REWARDS.search(name)):
                rewards.backup = _merged(rewards.backup, found)
                return

    def _made(
        self,
        target: torch.Tensor,
        reward: torch.Tensor,
        vectors: Vectors,
        predicted: torch.Tensor,
    ) -> BackupRecord | None:
        ahead = target - reward
        live = ahead.abs() > _OPEN * max(float(target.abs().max()), float(reward.abs().max()))
        ends = self.session.record.rewards.episodes / max(self.session.record.rewards.count, 1)
        masked = float((~live).double().mean())
        if bool(live.any()) and masked > max(t.ONLY_REWARDS, _TOO_OFTEN * ends):
            return BackupRecord(discount=0.0, mask="inverted")
        if int(live.sum()) < _LIVE:
            return None
        values = self._values(len(target))
        weights = [None, *(v for name, v in vectors if _GOES_ON.search(name) and len(v.unique()) > 1)]
        chances = [None, *(v for name, v in vectors if _CHANCES.search(name))][:_TRIED]
        for weight, chance in itertools.product(weights, chances):
            found = list(_fits(ahead, live, values, weight, chance))
            if found:
                return self._described(found, live, vectors, predicted, weighed=weight is not None)
        return None

    def _values(self, n: int) -> list[_Value]:
        """What modules gave back, and what was picked of it, as values (N)."""
        found = []
        for call in self.asked:
            for made in call.made:
                if made.numel() == n and made.is_floating_point():
                    found.append(_Value(made.double().flatten(), call))
                elif made.dim() == _TABLE and len(made) == n and made.is_floating_point():
                    found.append(_Value(made.double().amax(dim=1), call))
        picked = [p for p in self.session.watch.picked if p.numel() == n]
        return [*found[-_TRIED:], *(_Value(p.detach().double().flatten(), None) for p in picked)]

    def _described(
        self,
        found: list[_Fit],
        live: torch.Tensor,
        vectors: Vectors,
        predicted: torch.Tensor,
        *,
        weighed: bool,
    ) -> BackupRecord:
        first = found[0]
        calls = [call for fit in found for call in fit.calls]
        online = self._predicting(predicted)
        same = bool(calls) and online is not None and all(_same(call, online) for call in calls)
        trained = bool(calls) and all(self._trains(call.module) for call in calls)
        return BackupRecord(
            discount=first.discount,
            larger=first.larger,
            entropy=first.entropy,
            of_the_same=same,
            action_of_the_same=not same and any(self._acts_on(call, online) for call in calls),
            of_the_trained=trained and _has_copy(calls[0].module, self._trained()),
            mask="" if weighed else _mask(live, vectors),
        )

    def _acts_on(self, ahead: _Asked, online: _Asked | None) -> bool:
        """Whether a value is that of the next observation with the action for the present one."""
        if online is None or len(ahead.given) < _TABLE:
            return False
        policies = [c for c in self.asked if any(_equal(made, ahead.given[1]) for made in c.made) and c.given]
        return bool(policies) and all(_equal(call.given[0], online.given[0]) for call in policies)

    def _predicting(self, predicted: torch.Tensor) -> _Asked | None:
        """The call that gave back a prediction, or the table that it was gathered from."""
        for call in reversed(self.asked):
            for made in call.made:
                if made.data_ptr() == predicted.data_ptr():
                    return call
        n = predicted.numel()
        tables = [c for c in self.asked if self._trains(c.module) and any(len(m) == n for m in c.made if m.dim())]
        return tables[-1] if len(tables) == 1 else None

    def _trained(self) -> set[int]:
        return {id(p) for tracked in self.session.tracked for p in tracked.parameters}

    def _trains(self, module: nn.Module) -> bool:
        trained = self._trained()
        return any(id(p) in trained for p in module.parameters())


@dataclass(slots=True)
class _Fit:
    """Values that make up what a target holds beside its reward."""

    discount: float
    calls: list[_Asked]
    larger: bool = False
    entropy: float = 0.0
    """What is added of the log-probability of the next action."""


def _fits(
    ahead: torch.Tensor,
    live: torch.Tensor,
    values: list[_Value],
    weight: torch.Tensor | None,
    chance: torch.Tensor | None,
) -> Iterable[_Fit]:
    """Yield what makes up (N) numbers exactly where they are not 0."""

    def solved(*columns: torch.Tensor) -> torch.Tensor | None:
        parts = [*columns, *([] if chance is None else [chance])]
        table = torch.stack([p if weight is None else p * weight for p in parts], dim=1)[live]
        left = ahead[live]
        if not bool(table.isfinite().all()) or not bool(left.isfinite().all()) or not left.std() > 0:
            return None
        fit = torch.linalg.lstsq(table, left[:, None], driver="gelsd").solution[:, 0]
        exact = bool(((table @ fit - left).abs() < _EXACT * left.std()).all())
        return fit if exact else None

    for a, b in itertools.combinations([v for v in values if v.call is not None], 2):
        small, large = torch.minimum(a.numbers, b.numbers), torch.maximum(a.numbers, b.numbers)
        both = bool((small[live] == a.numbers[live]).any()) and bool((small[live] == b.numbers[live]).any())
        if not both or torch.equal(small, large) or a.call is None or b.call is None or not _twins(a.call, b.call):
            continue
        fit = solved(small, large)
        if fit is not None and _HELD < float(fit[:2].sum()) < _HIGHEST:
            entropy = float(fit[2]) if chance is not None else 0.0
            larger = abs(float(fit[0])) < _HELD * float(fit[1])
            yield _Fit(float(fit[:2].sum()), [a.call, b.call], larger, entropy)
            return
    for value in values:
        fit = solved(value.numbers)
        if fit is not None and _HELD < float(fit[0]) < _HIGHEST:
            entropy = float(fit[1]) if chance is not None else 0.0
            yield _Fit(float(fit[0]), [] if value.call is None else [value.call], False, entropy)


def _rate() -> float:
    """The share of each update that a target network is to take over, as a variable of the script says; 0 for none."""
    for name, value in at_hand():
        if _TAU.fullmatch(name) and isinstance(value, float) and 0.0 < value < 1.0:
            return min(value, 1.0 - value)  # polyak = 0.995 keeps as much
    return 0.0


def _equal(a: torch.Tensor, b: torch.Tensor) -> bool:
    return a.shape == b.shape and torch.equal(a, b)


def _more(last: TransitionRecord | None, found: TransitionRecord | None) -> TransitionRecord | None:
    """Of two batches: what is odd in few rows may be in none of one."""
    if last is None or found is None:
        return last or found
    return replace(found, odd=last.odd + found.odd, rows=last.rows + found.rows)


def _merged(last: BackupRecord | None, found: BackupRecord) -> BackupRecord:
    """Of two batches of one script: in one of them the first critic may say less of all samples, or no episode ends."""
    if last is None:
        return found
    return BackupRecord(
        discount=found.discount,
        larger=found.larger or last.larger,
        entropy=found.entropy or last.entropy,
        of_the_same=found.of_the_same and last.of_the_same,
        action_of_the_same=found.action_of_the_same or last.action_of_the_same,
        of_the_trained=found.of_the_trained or last.of_the_trained,
        mask=found.mask or last.mask,
    )


def _twins(a: _Asked, b: _Asked) -> bool:
    """Whether two calls, or one that gave back two values, were given the same."""
    return len(a.given) == len(b.given) and all(map(_equal, a.given, b.given))


def _same(ahead: _Asked, now: _Asked) -> bool:
    """Whether a value was asked of the observations (N, D) that the prediction is of; actions may be others."""
    if not ahead.given or not now.given or ahead.given[0].shape != now.given[0].shape:
        return False
    a, b = ahead.given[0], now.given[0]
    if len(ahead.given) > 1 or torch.equal(a, b):
        return torch.equal(a, b)
    widths = {
        v.shape[1]
        for _, v in at_hand()
        if isinstance(v, torch.Tensor) and v.dim() == _TABLE and len(v) == len(b) and v.shape[1] < b.shape[1]
        if torch.equal(v, b[:, : v.shape[1]])
    }
    return any(torch.equal(a[:, :width], b[:, :width]) for width in widths if 2 * width >= b.shape[1])


def _has_copy(module: nn.Module, trained: set[int]) -> bool:
    """Whether there is another module of the same make that no optimizer trains: a target network, as a rule."""
    shapes = [p.shape for p in module.parameters()]
    # isinstance asks an object for its __class__, which wakes lazy objects; type() does not.
    alike = [item for item in gc.get_objects() if type(item) is type(module) and item is not module]
    own = {id(inner) for inner in module.modules()}
    return any(
        [p.shape for p in item.parameters()] == shapes and not any(id(p) in trained for p in item.parameters())
        for item in alike
        if id(item) not in own
    )


def _vectors(target: torch.Tensor) -> Vectors:
    """Variables of the script that hold one number for each value of a target, in double precision."""
    found: Vectors = []
    seen = {target.data_ptr()}
    for name, value in at_hand():
        if not isinstance(value, torch.Tensor) or value.numel() != target.numel() or value.requires_grad:
            continue
        if value.is_complex() or value.data_ptr() in seen:
            continue
        seen.add(value.data_ptr())
        found.append((name, value.detach().double().flatten().to(target.device)))
    return found


def _mask(live: torch.Tensor, vectors: Vectors) -> str:
    """Say how values go with the ends of episodes: "inverted", "ignored"; empty for as they should, or not known."""
    found = ""
    for name, vector in vectors:
        ends, on = ENDS.search(name), _GOES_ON.search(name)
        if not (ends or on) or not bool(((vector == 0) | (vector == 1)).all()):
            continue
        goes_on = vector.bool() if on else ~vector.bool()
        if bool(goes_on.any()) and not bool(goes_on.all()):
            if torch.equal(goes_on, live):
                return ""
            found = "inverted" if torch.equal(~goes_on, live) else "ignored" if bool(live.all()) else found
    return found
