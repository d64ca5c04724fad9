"""Log-probabilities, and ratios of probabilities, that are multiplied by advantages: which way does the loss push them?

Whatever the environment is, a policy gradient raises the log-probability of an action by its advantage.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import torch

from runtime_probe.tap.places import here

if TYPE_CHECKING:
    from runtime_probe.record import Record

_LIKELY = "_convdiag_likelihood"
"""Tag of what grows with a log-probability (1), or falls (-1)."""
_NEGATED = "_convdiag_negated"
_OF_ALL = "_convdiag_of_all"
"""Tag of one number that holds the log-probabilities of a whole batch."""
_SAMPLES = 4
"""Of a batch; of fewer rows, these may be the dimensions of one action."""
_KEEP = frozenset(
    "sum mean squeeze unsqueeze view reshape flatten exp clamp clip clamp_ getitem float to double stack cat".split()
)
_ARITHMETIC = frozenset("sub rsub mul rmul".split())
_MOST = 64


def _is_of_samples(args: Any) -> bool:
    """Whether one of the arguments holds a number for each sample."""
    return any(isinstance(x, torch.Tensor) and x.dim() > 0 and len(x) >= _SAMPLES for x in args[:2])


class Surrogate:
    """Follows log-probabilities to their products with numbers that have no gradient."""

    def __init__(self, record: Record) -> None:
        self.record = record

    def note_log_probability(self, value: torch.Tensor) -> None:
        """A distribution was asked."""
        setattr(value, _LIKELY, 1.0)

    def note(self, name: str, args: Any, result: Any) -> None:
        """A function of torch has returned."""
        if not isinstance(result, torch.Tensor) or not args:
            return
        first = args[0][0] if name in ("stack", "cat") and isinstance(args[0], (list, tuple)) and args[0] else args[0]
        tag = getattr(first, _LIKELY, None)
        if name == "sum" and tag is not None and result.dim() == 0 and first.dim() > 0:
            setattr(result, _OF_ALL, len(first) >= _SAMPLES)
        elif result.dim() == 0 and any(getattr(x, _OF_ALL, False) for x in args):
            setattr(result, _OF_ALL, True)
        elif name in _ARITHMETIC and any(getattr(x, _OF_ALL, False) for x in args) and _is_of_samples(args):
            self.record.features.likelihood_of_all = self.record.features.likelihood_of_all or here(4)
        if name == "neg":
            if tag is not None:
                setattr(result, _LIKELY, -tag)
            elif not result.requires_grad:
                setattr(result, _NEGATED, not getattr(first, _NEGATED, False))
        elif tag is not None and name in _KEEP:
            setattr(result, _LIKELY, tag)
        elif name in ("sub", "rsub", "add", "radd") and len(args) > 1:
            self._summed(name, args, result)
        elif name in ("mul", "rmul") and len(args) > 1:
            self._multiplied(args, result)

    def _summed(self, name: str, args: Any, result: torch.Tensor) -> None:
        """A ratio of probabilities is a difference of their logarithms; the other one has no gradient."""
        signs = (1.0, -1.0) if name == "sub" else (-1.0, 1.0) if name == "rsub" else (1.0, 1.0)
        for place, sign in enumerate(signs):
            tag, other = getattr(args[place], _LIKELY, None), args[1 - place]
            if tag is not None and args[place].requires_grad and not getattr(other, "requires_grad", False):
                setattr(result, _LIKELY, tag * sign)

    def _multiplied(self, args: Any, result: torch.Tensor) -> None:
        for place in (0, 1):
            tag, other = getattr(args[place], _LIKELY, None), args[1 - place]
            if tag is None or not isinstance(other, torch.Tensor) or other.requires_grad or other.numel() < 2:
                continue
            # A mask, and a weight, is never below 0: advantages are of both signs.
            if result.requires_grad and bool((other < 0).any()) and bool((other > 0).any()):
                sign = tag * (-1.0 if getattr(other, _NEGATED, False) else 1.0)
                result.register_hook(functools.partial(self._came, sign))

    def _came(self, sign: float, gradient: torch.Tensor) -> None:
        found = self.record.surrogates
        total = float(gradient.sum())
        if total and len(found) < _MOST:
            found.append(sign * total)
