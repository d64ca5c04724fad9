"""Lint meets run: the linter's findings for the files that ran, confirmed or refuted by what happened."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Status, number

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from convdiag_lint.events import Finding
    from runtime_probe.checks.base import Result
    from runtime_probe.record import OptimizerRecord, Record, StepRecord

CONFIRMED, REFUTED, NOT_EXERCISED = "confirmed", "refuted", "not exercised"
_MOST_FILES = 300
_ELSEWHERE = "that place did not run in the ten steps"


@dataclass(frozen=True, slots=True)
class Judged:
    """A finding of the linter, and what the run says to it."""

    code: str
    name: str
    path: str
    line: int
    message: str
    verdict: str
    """`confirmed`, `refuted` or `not exercised`."""
    reason: str
    """With the number that decided."""
    numbers: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Verdict:
    verdict: str
    reason: str
    numbers: dict[str, Any] = field(default_factory=dict)


def judge(record: Record, results: Sequence[Result]) -> list[Judged]:
    """Return a verdict for each finding in the user's files that ran; never raises for what is in them."""
    return [_judged(finding, record, results) for finding in lint(user_files(record))]


def user_files(record: Record) -> list[str]:
    """Return the Python files that ran and lie in the project of the script."""
    from pathlib import Path  # noqa: PLC0415 - with the linter below, only where files are looked for

    from convdiag_lint.project.files import find_root  # noqa: PLC0415

    folder = Path(record.folder.replace("\0", "") or ".")
    own = [step.where.path for step in record.steps if step.where.path]
    try:
        roots = {str(folder.resolve())} | {str(find_root(Path(path), folder)) for path in dict.fromkeys(own)}
    except (OSError, ValueError):  # a name that no file can have
        return []
    return [
        path
        for path in dict.fromkeys(record.files)
        if path.endswith(".py")
        and "site-packages" not in path
        and os.path.isfile(path)  # noqa: PTH113 - paths stay what the tap wrote
        and any(os.path.realpath(path).startswith(root + os.sep) for root in roots)
    ][:_MOST_FILES]


def lint(paths: Sequence[str]) -> list[Finding]:
    """Return the linter's findings under the project's own settings; none where those cannot be read."""
    if not paths:
        return []
    from convdiag_lint.cache import Cache  # noqa: PLC0415
    from convdiag_lint.engine import check  # noqa: PLC0415 - brings libcst along
    from convdiag_lint.settings import SettingsError  # noqa: PLC0415

    cache = None if os.environ.get("CONVDIAG_NO_CACHE") else Cache()
    try:
        return [finding for report in check(paths, cache=cache) for finding in report.findings]
    except SettingsError:
        return []


def _judged(finding: Finding, record: Record, results: Sequence[Result]) -> Judged:
    ask = _QUESTIONS.get(finding.code)
    found = ask(finding, record, results) if ask is not None else _Verdict(NOT_EXERCISED, "ten steps cannot tell")
    what = (finding.code, finding.name, finding.path, finding.line, finding.message)
    return Judged(*what, found.verdict, found.reason, found.numbers)


def _updates(finding: Finding, record: Record) -> list[tuple[OptimizerRecord, list[StepRecord]]]:
    """Optimizers whose steps or backward passes ran where the finding points, with their ten steps."""
    points = {(os.path.realpath(finding.path), finding.line)}
    points |= {(os.path.realpath(item.path), item.line) for item in finding.evidence}
    exact, near = [], []
    for index, optimizer in enumerate(record.optimizers):
        steps = record.series(index)
        places = [step.where for step in steps[:1]] + [loss.where for step in steps[:1] for loss in step.losses]
        if any((os.path.realpath(place.path), place.line) in points for place in places if place.path):
            exact.append((optimizer, steps))
        elif any(_same_function(finding, place.path, place.function) for place in places):
            near.append((optimizer, steps))
    return exact or near


def _same_function(finding: Finding, path: str, function: str) -> bool:
    if not path or os.path.realpath(path) != os.path.realpath(finding.path):
        return False
    return finding.scope.rpartition(".")[2] in {function.rpartition(".")[2], ""} or function == "<module>"


def _unclipped(finding: Finding, record: Record, results: Sequence[Result]) -> _Verdict:
    found = _updates(finding, record)
    steps = [step for _, own in found for step in own]
    if not steps:
        return _Verdict(NOT_EXERCISED, _ELSEWHERE)
    peak = max(step.grad_norm for step in steps)
    clipped = sum(bool(step.clips) or step.applied_norm < 0.99 * step.grad_norm for step in steps)
    numbers = {"peak": peak, "clipped": clipped, "steps": len(steps)}
    if clipped > len(steps) / 2:
        return _Verdict(REFUTED, f"gradients were clipped at {clipped} of {len(steps)} steps", numbers)
    if peak > t.CLIP_NORM:
        return _Verdict(CONFIRMED, f"the gradient norm reached {number(peak)} and nothing clipped it", numbers)
    return _Verdict(CONFIRMED, f"nothing clipped; the gradient norm stayed at {number(peak)} or below", numbers)


def _misplaced(finding: Finding, record: Record, results: Sequence[Result]) -> _Verdict:
    steps = [step for _, own in _updates(finding, record) for step in own]
    if not steps:
        return _Verdict(NOT_EXERCISED, _ELSEWHERE)
    late = sum(bool(step.misplaced_clips) for step in steps)
    scaled = [clip for step in steps for clip in step.clips if clip.scaled]
    covers = [sum(clip.covers for clip in step.clips) for step in steps if step.clips]
    if scaled:
        return _Verdict(CONFIRMED, f"clipping saw gradients times the loss scale: a norm of {number(scaled[0].norm)}")
    if late:
        return _Verdict(CONFIRMED, f"clipping came after the update at {late} of {len(steps)} steps", {"late": late})
    if covers and min(covers) < t.CLIP_COVERS:
        return _Verdict(CONFIRMED, f"clipping saw {min(covers):.0%} of the parameters", {"covers": min(covers)})
    if covers:
        return _Verdict(REFUTED, f"clipping stood between backward and step at {len(covers)} of {len(steps)} steps")
    return _Verdict(NOT_EXERCISED, "no clipping ran in the ten steps")


def _not_cleared(finding: Finding, record: Record, results: Sequence[Result]) -> _Verdict:
    known = [step.cleared for _, own in _updates(finding, record) for step in own if step.cleared is not None]
    if not known:
        return _Verdict(NOT_EXERCISED, _ELSEWHERE)
    kept = known.count(False)
    numbers = {"not_cleared": kept, "steps": len(known)}
    if kept > t.NOT_CLEARED_SHARE * len(known):
        return _Verdict(CONFIRMED, f"old gradients were still there at {kept} of {len(known)} steps", numbers)
    return _Verdict(REFUTED, f"gradients were cleared at {len(known) - kept} of {len(known)} steps", numbers)


def _unchecked(finding: Finding, record: Record, results: Sequence[Result]) -> _Verdict:
    if not _updates(finding, record):
        return _Verdict(NOT_EXERCISED, _ELSEWHERE)
    checks = record.features.finite_checks
    if checks:
        return _Verdict(REFUTED, f"the loss is tested at {checks[0]}")
    bad = any(result.check == "nan-or-inf" and result.status is Status.FAIL for result in results)
    seen = "and the loss became NaN or infinite" if bad else "and the loss stayed finite in the ten steps"
    return _Verdict(CONFIRMED, f"nothing tested the loss before the update, {seen}")


def _no_scaler(finding: Finding, record: Record, results: Sequence[Result]) -> _Verdict:
    steps = [step for _, own in _updates(finding, record) for step in own]
    half = _half(record)
    if not half:
        return _runs_in(record)
    if any(step.scale != 1.0 or any(loss.scaled_by != 1.0 for loss in step.losses) for step in steps or record.steps):
        scale = max(step.scale for step in steps or record.steps)
        return _Verdict(REFUTED, f"the loss is scaled, by {number(scale)}", {"scale": scale})
    return _Verdict(CONFIRMED, f"{half}, and no loss was scaled")


def _hard_wired(finding: Finding, record: Record, results: Sequence[Result]) -> _Verdict:
    half = _half(record)
    return _Verdict(CONFIRMED, half) if half else _runs_in(record)


def _half(record: Record) -> str:
    if record.features.autocast == "float16":
        return "autocast ran in float16"
    halves = [p for p in record.parameters if p.optimizer is not None and p.dtype.removeprefix("torch.") == "float16"]
    return f"{len(halves)} parameters are float16" if halves else ""


def _runs_in(record: Record) -> _Verdict:
    other = record.features.autocast
    # On a machine without the device the switch is off: that refutes nothing.
    return _Verdict(NOT_EXERCISED, f"autocast ran in {other}" if other else "nothing ran in half precision here")


def _unnormalized(finding: Finding, record: Record, results: Sequence[Result]) -> _Verdict:
    asked = [r for r in results if r.check in {"inputs-not-normalized", "input-scales-differ"}]
    bad = [r for r in asked if r.status in {Status.FAIL, Status.WARN}]
    if bad:
        return _Verdict(CONFIRMED, bad[0].message, bad[0].numbers)
    fine = [r for r in asked if r.status is Status.PASS and r.check == "inputs-not-normalized"]
    if fine:
        return _Verdict(REFUTED, f"in these ten steps: {fine[0].message}", fine[0].numbers)
    return _Verdict(NOT_EXERCISED, "no numbers reached a layer with weights")


def _flow_time(finding: Finding, record: Record, results: Sequence[Result]) -> _Verdict:
    low, high = record.experiments.time_minimum, record.experiments.time_maximum
    if low is None or high is None:
        return _Verdict(NOT_EXERCISED, "no flow time reached the model, or its draw could not be forced")
    numbers = {"minimum": low, "maximum": high}
    span = f"[{number(low)}, {number(high)}]"
    if low <= t.TIME_MARGIN or high >= 1 - t.TIME_MARGIN:
        return _Verdict(CONFIRMED, f"forced to its ends, the draw gives times of {span}", numbers)
    return _Verdict(REFUTED, f"forced to its ends, the draw still gives times within {span}", numbers)


_QUESTIONS: dict[str, Callable[[Finding, Record, Sequence[Result]], _Verdict]] = {
    "CVG101": _unclipped,
    "CVG102": _misplaced,
    "CVG103": _not_cleared,
    "CVG201": _unchecked,
    "CVG203": _no_scaler,
    "CVG204": _hard_wired,
    "CVG301": _unnormalized,
    "CVG401": _flow_time,
}
"""CVG302 and CVG303 are about what is saved and loaded, which ten steps do not reach."""
