"""Running averages over a run."""

from __future__ import annotations


def left_over(rate: float, updates: int | None) -> float:
    """Return the share of its initial value in an average after so many updates; 0 where their number is not known.

    Args:
        rate: Share of the new value at each update, 0 to 1.
        updates: Of the whole run.
    """
    if not updates or updates < 0 or not 0.0 <= rate <= 1.0:
        return 0.0
    return float((1.0 - rate) ** updates)
