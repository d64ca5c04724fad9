"""Transitions as environments gave them, beside those that are trained on: do the parts belong to each other?

A batch of a buffer is linked to what happened by its observations, number by number, or by its rewards, as far as one
of these occurs once. The other parts of a linked row must then be those of the same step.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import torch

from runtime_probe.record import TransitionRecord
from runtime_probe.tap.rewards import at_hand

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST_ROWS, _MOST_WIDTH, _TABLE = 50_000, 256, 2
_FEWEST = 24
"""Rows that are linked."""
_EXACT = 1e-4
"""Of an action, of the largest one: more is another action, and not rounding."""
_NAMES = (
    ("following", re.compile(r"next|new_|follow|obs_?2|_tp1|s_?prime|(^|_)s2$", re.IGNORECASE)),
    ("action", re.compile(r"^(b_|batch_)?act(ions?)?(_batch|_b)?$", re.IGNORECASE)),
    ("observation", re.compile(r"obs|state|^s$", re.IGNORECASE)),
    ("reward", re.compile(r"rew|^r$", re.IGNORECASE)),
)
"""What scripts call the parts; the first that fits."""


class Transitions:
    """What the steps of environments were given, and what they gave back."""

    def __init__(self) -> None:
        self.rows: dict[str, list[torch.Tensor]] = {"observation": [], "action": [], "reward": [], "following": []}
        self.count = 0
        self.last: dict[int, torch.Tensor] = {}
        """By id of the environment: the observation that the next action answers."""

    def note(self, environment: int, action: Any, observation: Any, rewards: list[float], *, ended: bool) -> None:
        """An environment, or a vector of them, has stepped."""
        following, taken = _rows(observation, len(rewards)), _rows(action, len(rewards))
        before = self.last.get(environment)
        fits = before is not None and following is not None and taken is not None and before.shape == following.shape
        if fits and before is not None and following is not None and taken is not None and self.count < _MOST_ROWS:
            for name, part in (("observation", before), ("action", taken), ("following", following)):
                self.rows[name].append(part)
            self.rows["reward"].append(torch.tensor(rewards)[:, None])
            self.count += len(rewards)
        # A vector of environments begins the next episode by itself; one alone is reset, and nobody sees it.
        if following is None or (ended and len(rewards) == 1):
            self.last.pop(environment, None)
        else:
            self.last[environment] = following

    def look(self, n: int) -> TransitionRecord | None:
        """Compare parts of a batch of n rows among the script's variables with what happened; None for nothing told."""
        if self.count < _FEWEST:
            return None
        given = _parts(n)
        happened = {name: torch.cat(rows) for name, rows in self.rows.items() if len({r.shape[1] for r in rows}) == 1}
        for key in ("observation", "reward"):
            if key not in given or key not in happened or given[key].shape[1] != happened[key].shape[1]:
                continue
            found = _linked(given[key], happened[key])
            rows = (found >= 0).nonzero().flatten()
            if len(rows) >= _FEWEST:
                others = [name for name in given if name != key and name in happened]
                fits = [o for o in others if given[o].shape[1] == happened[o].shape[1]]
                agree = {o: _agreement(given[o][rows], happened[o][found[rows]]) for o in fits}
                odd = _odd(given["action"][rows], happened["action"][found[rows]]) if "action" in fits else 0
                return TransitionRecord(key, len(rows), {o: a for o, a in agree.items() if a is not None}, odd)
        return None


def _rows(value: Any, count: int) -> torch.Tensor | None:
    """Numbers (N, D) of an array (N, ...), or of one environment as one row."""
    if isinstance(value, (int, float)):
        value = [value]
    if not isinstance(value, (list, tuple)) and not hasattr(value, "shape"):
        return None
    rows = torch.as_tensor(value).detach().cpu().float()
    rows = rows.reshape(count, -1) if count == 1 or (rows.dim() and len(rows) == count) else rows[:0]
    return rows.clone() if rows.numel() > 0 and rows.shape[1] <= _MOST_WIDTH else None


def _parts(n: int) -> dict[str, torch.Tensor]:
    """Parts (n, D) of a batch, by what they are."""
    found: dict[str, torch.Tensor] = {}
    for name, value in at_hand():
        if not isinstance(value, torch.Tensor) or not value.dim() or len(value) != n or value.requires_grad:
            continue
        role = next((role for role, pattern in _NAMES if pattern.search(name)), None)
        if role is not None and role not in found and value.dim() <= _TABLE:
            found[role] = value.detach().cpu().float().reshape(n, -1)
    return found


def _linked(given: torch.Tensor, happened: torch.Tensor) -> torch.Tensor:
    """For each row given, the place of the one row that happened and is equal; -1 where none or several are."""
    places: dict[bytes, int] = {}
    for place, row in enumerate(happened.numpy()):
        key = row.tobytes()
        places[key] = -1 if key in places else place
    return torch.tensor([places.get(row.tobytes(), -1) for row in given.contiguous().numpy()])


def _agreement(given: torch.Tensor, happened: torch.Tensor) -> float | None:
    """1 where the rows belong to each other: share of equal whole numbers, or the correlation of others, scaled or not.

    The median over the dimensions; None where nothing varies.
    """
    whole = bool((happened == happened.round()).all()) and bool((given == given.round()).all())
    measure: Callable[[torch.Tensor, torch.Tensor], float] = _equal if whole else _correlation
    values = [
        measure(given[:, place], happened[:, place])
        for place in range(given.shape[1])
        if given[:, place].std() > 0 and happened[:, place].std() > 0
    ]
    return sorted(values)[len(values) // 2] if values else None


def _odd(given: torch.Tensor, taken: torch.Tensor) -> int:
    """How many actions are not those that were taken, where most are, scaled or not; clipped ones are at the bounds."""
    scale = (given / taken).nan_to_num(0.0).median(dim=0).values
    exact = (given - scale * taken).abs() <= _EXACT * given.abs().amax(dim=0)
    at_bounds = (taken == taken.amin(dim=0)) | (taken == taken.amax(dim=0))
    odd = (~exact & ~at_bounds).any(dim=1)
    return int(odd.sum()) if 2 * int(odd.sum()) < len(odd) else 0


def _equal(a: torch.Tensor, b: torch.Tensor) -> float:
    return float((a == b).double().mean())


def _correlation(a: torch.Tensor, b: torch.Tensor) -> float:
    return abs(float(torch.corrcoef(torch.stack([a.double(), b.double()]))[0, 1]))
