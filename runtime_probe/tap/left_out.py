"""Inputs that are left out of samples at random, as classifier-free guidance does it: of how many samples?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from runtime_probe.record import LeftOut
from runtime_probe.tap.parts import parts_of
from runtime_probe.tap.places import here

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runtime_probe.record import Record, Where
    from runtime_probe.tap.session import Session

_MOST = 16
"""Lines."""


def note(session: Session, name: str, args: Sequence[Any], result: Any) -> None:
    """An operation may have put a constant in place of what some samples hold; its result is (N, ...)."""
    if not isinstance(result, torch.Tensor) or result.dim() < 2 or len(args) < 2:
        return
    if name == "where" and len(args) == 3:
        mask, chosen, other = args
        known = [bool(parts_of(value)) for value in (chosen, other)]
        lost = mask if known == [False, True] else ~mask if known == [True, False] else None
    elif name == "masked_fill" and parts_of(args[0]):
        mask = lost = args[1]
    elif name in ("mul", "rmul") and not session.calls.outside:  # there, zeros and ones are weights of a loss
        mask = next((x for x in args[:2] if isinstance(x, torch.Tensor) and not parts_of(x)), None)
        lost = mask == 0 if mask is not None and _is_zeros_and_ones(mask, len(result)) else None
    else:
        return
    if lost is None or parts_of(mask) or lost.dtype != torch.bool or not lost.dim():
        return
    if len(lost) == lost.numel() == len(result):
        _add(session.record, here(4), int(lost.sum()), len(result))


def _is_zeros_and_ones(mask: torch.Tensor, n: int) -> bool:
    fits = mask.numel() == n and not mask.requires_grad and not mask.is_complex()
    return fits and bool(((mask == 0) | (mask == 1)).all())


def _add(record: Record, where: Where, lost: int, samples: int) -> None:
    found = next((one for one in record.features.left_out if one.where == where), None)
    if found is None and len(record.features.left_out) < _MOST:
        found = LeftOut(where)
        record.features.left_out.append(found)
    if found is not None:
        found.lost += lost
        found.samples += samples
