"""Which numbers a script asks math.isnan, isinf and isfinite about: `loss.item()` is checked so."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any

from runtime_probe.tap import places

if TYPE_CHECKING:
    from runtime_probe.tap.session import Session


def watch(session: Session) -> None:
    """Let math.isnan, isinf and isfinite tell which numbers they were asked of."""
    for name in ("isnan", "isinf", "isfinite"):
        session.patches.replace(math, name, _told(session, getattr(math, name)))


def _told(session: Session, original: Any) -> Any:
    @functools.wraps(original)
    def told(value: Any) -> bool:
        made: bool = original(value)
        if session.watching and session.active:
            where = places.directly(2)
            if where is not None:
                session.on_finite_check(where, float(value))
        return made

    return told
