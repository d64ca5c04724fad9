"""Timestamps of observations and actions in the batch."""

from __future__ import annotations

import itertools
from statistics import median
from typing import TYPE_CHECKING, Any

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Check, Outcome, failed, number, passed, skipped, warned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record

_OBSERVED = ("obs", "state", "image", "camera", "frame", "sensor")
_ACTED = ("act", "command", "control", "cmd")


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Compare the stamps of observations with those of actions, and look at their order and spacing."""
    stamps = {key: values for key, values in record.batch.timestamps.items() if values}
    if not stamps:
        yield skipped("the batch carries no timestamps")
        return
    acted = _pick(stamps, _ACTED)
    observed = _pick(stamps, _OBSERVED) or next((key for key in stamps if key != acted), "")
    # A chunk of actions for each observation begins with it: samples are compared by their first stamps.
    firsts = record.batch.first_timestamps
    seen, done = (firsts.get(key, stamps.get(key, [])) for key in (observed, acted))
    if observed and acted and len(seen) == len(done):
        sequence = stamps[acted] if acted in firsts else stamps[observed] if observed in firsts else []
        yield _aligned(observed, seen, acted, done, _period(sequence))
    for key, values in stamps.items():
        yield _spaced(key, values)


def _aligned(observed: str, seen: list[float], acted: str, done: list[float], known: float) -> Outcome:
    shift = median(b - a for a, b in zip(seen, done, strict=True))
    period = known or _period(seen) or _period(done)
    if not period:
        return skipped(
            f"{observed} and {acted} lie {shift * 1000:.3g} ms apart; their period is not known", shift=shift
        )
    share = abs(shift) / period
    numbers: dict[str, Any] = {"shift": shift, "period": period, "share": share}
    message = f"{acted} and {observed} lie {shift * 1000:.3g} ms apart at {1 / period:.3g} Hz: {share:.0%} of a period"
    remedy = "shift the actions by a constant, or look up the observation that was there when each action began"
    if share >= t.STAMP_SHARE_WRONG * (1 - 1e-6):
        return failed(message, remedy, **numbers)
    if share >= t.STAMP_SHARE:
        return warned(message, remedy, **numbers)
    return passed(message, **numbers)


def _spaced(key: str, values: list[float]) -> Outcome:
    gaps = [after - before for before, after in itertools.pairwise(values)]
    forward = sum(gap > 0 for gap in gaps)
    # Samples of a shuffled batch are in no order: only a series that mostly rises is one.
    if len(gaps) < 3 or forward < 0.6 * len(gaps):
        return skipped(f"{key}: the samples are in no order of time")
    backward = sum(gap < 0 for gap in gaps)
    period = median(gap for gap in gaps if gap > 0)
    # A new episode starts over; a glitch goes back a little.
    glitches = sum(-3 * period < gap < 0 for gap in gaps)
    worst = max(abs(gap - period) for gap in gaps if 0 < gap < 10 * period)
    numbers: dict[str, Any] = {"period": period, "backward": backward, "jitter": worst / period}
    if glitches:
        return warned(f"{key} goes back in time {glitches} times", "sort the frames by time", **numbers)
    if worst > t.STAMP_JITTER * period:
        return warned(
            f"{key}: spacing of {number(period)} s, off by up to {number(worst)} s",
            "look for dropped frames; resample to a constant rate",
            **numbers,
        )
    return passed(f"{key}: one every {number(period)} s", **numbers)


def _period(values: list[float]) -> float:
    gaps = [after - before for before, after in itertools.pairwise(values) if after > before]
    return median(gaps) if len(gaps) >= 0.6 * max(len(values) - 1, 1) and gaps else 0.0


def _pick(stamps: dict[str, list[float]], words: tuple[str, ...]) -> str:
    return next((key for key in stamps if any(word in key.lower() for word in words)), "")


CHECK = Check(
    id="timestamps-misaligned",
    title="Observations and actions in time",
    step=2,
    seed="A 50 ms misalignment at 10 Hz means 50 % of your labels are wrong.",
    why="The hand was already moving when the stamp was set: the recorded action belongs to another frame, and the"
    " model learns to act late.",
    run=run,
)
