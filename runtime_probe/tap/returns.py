"""Returns of a rollout, read beside its rewards and values: are they sums of what followed, until the episode's end?

The numbers that a script computes them by lie in its variables when the first loss is computed, whatever computed them.
"""

from __future__ import annotations

import re
import sys
import time
from typing import TYPE_CHECKING, Any, TypeAlias

import torch

from runtime_probe.record import ReturnsRecord
from runtime_probe.tap.rewards import REWARDS, at_hand, is_whole

if TYPE_CHECKING:
    from collections.abc import Iterable

Rollout: TypeAlias = "tuple[torch.Tensor, torch.Tensor]"
_ROLES = {
    "rewards": re.compile(r"rew", re.IGNORECASE),
    "advantages": re.compile(r"adv|gae", re.IGNORECASE),
    "returns": re.compile(r"return|target|^rets?$", re.IGNORECASE),
    "values": re.compile(r"val|(^|_)q(_|$)|^v(s|_?preds?)?$", re.IGNORECASE),
    "ends": re.compile(r"done|termin|trunc|end(ed|s)?$", re.IGNORECASE),
}
"""What scripts call them; the first that fits."""
_SHORTEST, _LONGEST, _MOST = 8, 10_000, 1_000_000
"""Steps of a rollout, of one in a list, and its numbers."""
_TABLE = 2
"""Dimensions of (T, N)."""
_ASKED, _BESIDE, _SECONDS = 512, 16, 0.5
"""Steps and environments that are asked, and for how long."""
_FEWEST = 16
"""Rows of a fit of three coefficients."""
_TRIED = 4
"""Arrays of one role and shape."""
_EXACT = 1e-3
"""What a fit of numbers in single precision may leave open, of their spread."""
_CUT = 0.5
"""Share of rewards that are 0 once what is behind the point is cut off."""
_BARE = 0.9
"""Share of returns that are rewards."""
_HELD = 0.05
"""Coefficient that is none."""


def look(seen: Iterable[torch.Tensor] = (), rollout: Rollout | None = None) -> ReturnsRecord | None:
    """Return how the returns in the script's variables were made; None where they cannot be told.

    Args:
        seen: Values that were picked without a gradient, and have no name: (N), or (N, 1).
        rollout: Rewards that environments gave since the last update, and the ends of episodes, (T, N) each.
    """
    found, until = _arrays(), time.monotonic() + _SECONDS
    found["values"] += [array for value in seen if (array := _array(value)) is not None]
    every = [(rewards, [a for a in found["ends"] if a.shape == rewards.shape][:1]) for rewards in found["rewards"]]
    every += [(rewards, [ends]) for rewards, ends in _as_long_as(found["returns"], rollout)]
    for rewards, ends in every:
        alike = {role: [x for a in arrays if (x := _shaped(a, rewards)) is not None] for role, arrays in found.items()}
        sums = [(a + v, v) for a in alike["advantages"][:_TRIED] for v in alike["values"][:_TRIED]]
        sums += [(g, v) for g in alike["returns"][:_TRIED] for v in (*alike["values"], None)]
        over = ends[0].bool() if ends else torch.zeros_like(rewards, dtype=torch.bool)
        for returns, values in sums:
            parts = (None if part is None else part[-_ASKED:, :_BESIDE] for part in (rewards, returns, values, over))
            made = _made(*parts) if time.monotonic() < until else None
            if made is not None:
                return made
            if ends and _is_bare(rewards, returns, over):
                return ReturnsRecord(later=True, discount=0.0, of_the_same=0.0, ends_ignored=False, bare=True)
    return None


def _as_long_as(returns: list[torch.Tensor], rollout: Rollout | None) -> Iterable[Rollout]:
    """The last steps of a rollout, as many as some returns have numbers for."""
    if rollout is None:
        return
    rewards, ends = rollout
    for steps in {array.numel() // rewards.shape[1] for array in returns if array.numel() % rewards.shape[1] == 0}:
        if _SHORTEST <= steps <= len(rewards):
            yield rewards[-steps:], ends[-steps:]


def _shaped(array: torch.Tensor, rewards: torch.Tensor) -> torch.Tensor | None:
    """An array (T, N), or one of all steps and environments in a row, as one (T, N)."""
    if array.shape == rewards.shape:
        return array
    flat = array.shape == (rewards.numel(), 1) and rewards.shape[1] > 1
    return array.reshape(rewards.shape) if flat else None


def cut_off() -> str:
    """Name a variable that holds rewards as whole numbers, whatever its type; empty for none."""
    for name, value in at_hand():
        array = _array(value) if name.strip("_").lower() in REWARDS else None
        if array is None or not bool((array == array.round()).all()):
            continue
        # Rewards that were clipped to their sign are whole numbers, too, and hardly ever 0.
        if is_whole(value) or float((array == 0).double().mean()) > _CUT or float(array.abs().max()) > 1:
            return name
    return ""


def _made(
    rewards: torch.Tensor, returns: torch.Tensor, values: torch.Tensor | None, ends: torch.Tensor
) -> ReturnsRecord | None:
    """Fit what returns (T, N) are beside rewards: of what came a step later, or before, or in another order."""
    for later, flipped in ((True, False), (False, False), (True, True)):
        if values is None:
            found = _plain(rewards, returns.flip(0) if flipped else returns, ends, later=later)
        else:
            found = None if flipped else _with_values(rewards, returns, values, ends, later=later)
        if found is not None:
            found.reversed = flipped
            return found
    return None


def _beside(ends: torch.Tensor, *, later: bool) -> tuple[slice, slice, torch.Tensor]:
    """Rows, those a step later or before, and which of them an end of an episode stands beside."""
    now, other = (slice(None, -1), slice(1, None)) if later else (slice(1, None), slice(None, -1))
    return now, other, ends[now] | ends[other]


def _plain(rewards: torch.Tensor, returns: torch.Tensor, ends: torch.Tensor, *, later: bool) -> ReturnsRecord | None:
    """Monte Carlo returns: r_t = G_t - gamma G_t+1, with a factor and an offset where these are standardized."""
    now, other, beside = _beside(ends, later=later)
    left = rewards[now]
    columns = torch.stack([returns[now], returns[other], torch.ones_like(left)], dim=-1)
    fit = _fit(columns[~beside], left[~beside])
    if fit is None or not fit[0] > 0 or abs(float(fit[1])) < _HELD * float(fit[0]):
        return None
    ignored = _across(left - columns @ fit, left, beside, ends)
    return ReturnsRecord(later=later, discount=-float(fit[1] / fit[0]), of_the_same=0.0, ends_ignored=ignored)


def _with_values(
    rewards: torch.Tensor, returns: torch.Tensor, values: torch.Tensor, ends: torch.Tensor, *, later: bool
) -> ReturnsRecord | None:
    """Generalized advantage estimation: G_t = r_t + gamma ((1 - lambda) V_t+1 + lambda G_t+1).

    Transitions that were sampled have nothing to do with the rows beside them, and the value of the next state in
    their own.
    """
    now, other, beside = _beside(ends, later=later)
    left = (returns - rewards)[now]
    columns = torch.stack([returns[other], values[other], values[now]], dim=-1)
    fit = _fit(columns[~beside], left[~beside])
    if fit is None:
        return None
    following, same = float(fit[:2].sum()), float(fit[2])
    if bool((fit[:2].abs() < _HELD).all()):
        ignored = _across(left - columns @ fit, left, ends[now], ends)
        return ReturnsRecord(later=True, discount=same, of_the_same=0.0, ends_ignored=ignored)
    ignored = _across(left - columns @ fit, left, beside, ends)
    return ReturnsRecord(later=later, discount=following, of_the_same=same, ends_ignored=ignored)


def _across(open_: torch.Tensor, left: torch.Tensor, asked: torch.Tensor, ends: torch.Tensor) -> bool:
    """Whether a fit that was made between the ends of episodes leaves nothing open beside them, either.

    Scripts say of a step that the episode ends with it, or that it has ended before: there must be ends inside.
    """
    both = bool(ends[:-1].any()) and bool(ends[1:].any())
    return both and bool((open_.abs() < _EXACT * left.std())[asked].all())


def _is_bare(rewards: torch.Tensor, returns: torch.Tensor, ends: torch.Tensor) -> bool:
    """Whether returns (T, N) are the rewards, where others that are not 0 follow in the same episode."""
    now, other, beside = _beside(ends, later=True)
    asked = ~beside & (rewards[other] != 0)
    same = (returns - rewards)[now].abs() <= _EXACT * rewards.std()
    return int(asked.sum()) >= _FEWEST and float(same[asked].double().mean()) >= _BARE


def _fit(columns: torch.Tensor, left: torch.Tensor) -> torch.Tensor | None:
    """Coefficients of columns (n, k) that make up what is left (n), to rounding; None without."""
    spread = left.std() if len(left) >= _FEWEST else torch.tensor(0.0)
    if not spread > 0 or not bool(columns.isfinite().all()) or not bool(left.isfinite().all()):
        return None
    solved = torch.linalg.lstsq(columns, left[:, None], driver="gelsd").solution[:, 0]
    exact = bool(((columns @ solved - left).abs() < _EXACT * spread).all())
    return solved if exact and float(solved.abs().max()) > _HELD else None


def _arrays() -> dict[str, list[torch.Tensor]]:
    """Arrays (T, N) of the running functions, and of objects and dictionaries that these hold, by their names."""
    found: dict[str, list[torch.Tensor]] = {role: [] for role in _ROLES}
    for name, value in at_hand():
        role = next((role for role, pattern in _ROLES.items() if pattern.search(name)), None)
        array = _array(value) if role is not None else None
        if role is not None and array is not None and (role != "ends" or bool(((array == 0) | (array == 1)).all())):
            found[role].append(array)
    return found


def _numbers(value: Any) -> Any:
    """A number, or an array of numpy, as a tensor of its own; anything else as it is."""
    numpy = sys.modules.get("numpy")
    if isinstance(value, torch.Tensor):
        return None if value.requires_grad else value
    if isinstance(value, (bool, int, float)):
        return torch.tensor(float(value))
    array = numpy is not None and isinstance(value, (numpy.ndarray, numpy.generic))
    if array and value.dtype.kind in "biuf" and value.size <= _MOST:
        return torch.tensor(value.astype("float64"))
    return value


def _array(value: Any) -> torch.Tensor | None:
    """Numbers (T, N) of an array, or of a list of numbers or of arrays (N); None for anything else."""
    if isinstance(value, (list, tuple)) and _SHORTEST <= len(value) <= _LONGEST:
        items = [_numbers(item) for item in value]
        alike = all(isinstance(item, torch.Tensor) and item.shape == items[0].shape for item in items)
        value = torch.stack(items) if alike else None
    value = _numbers(value)
    if not isinstance(value, torch.Tensor) or value.is_complex() or not 0 < value.numel() <= _MOST:
        return None
    rows = value.double().cpu()
    if rows.dim() == 1:
        rows = rows[:, None]
    elif rows.dim() > _TABLE and rows.shape[-1] == 1:
        rows = rows.squeeze(-1)
    return rows if rows.dim() == _TABLE and len(rows) >= _SHORTEST else None
