"""How far the processes below have come: one small file each, `progress-PID`: `phase step wanted`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe import record

if TYPE_CHECKING:
    from pathlib import Path

# Where each phase begins and ends on the bar.
_SPAN = {
    record.WARM_UP: (0.05, 0.15),
    record.BASELINE: (0.15, 0.65),
    record.SETTLE: (0.65, 0.7),
    record.REPEAT: (0.7, 0.73),
    record.NUDGE: (0.73, 0.76),
    record.INFLUENCE: (0.76, 0.79),
    record.FORCED_TIME: (0.79, 0.82),
    record.ZEROED: (0.82, 0.95),
    record.TRACE: (0.95, 0.99),
}


def read(run_folder: Path) -> tuple[str, float]:
    """Return what the process that wrote last is doing, and the fraction that is done."""
    newest, text = -1.0, ""
    for path in run_folder.glob("progress-*"):
        try:
            changed = path.stat().st_mtime
            if changed > newest and (line := path.read_text(encoding="utf-8").strip()):
                newest, text = changed, line
        except (OSError, ValueError):
            continue  # being replaced
    words = text.rsplit(" ", 2)
    if len(words) < 3 or not (words[1].isdigit() and words[2].isdigit()):
        return "starting the script", 0.0
    phase, step, wanted = words[0], int(words[1]), int(words[2])
    start, stop = _SPAN.get(phase, (0.0, 0.0))
    return f"{phase} {step}/{wanted}", start + (stop - start) * min(1.0, step / max(1, wanted))


def processes(run_folder: Path) -> set[int]:
    """Return the processes that wrote progress."""
    names = (path.name.rpartition("-")[2] for path in run_folder.glob("progress-*"))
    return {int(name) for name in names if name.isdigit()}
