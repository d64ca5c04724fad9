"""From the records of a run to one report: results, findings, family, exit status."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from runtime_probe import causes, diagnosis, families, findings, timelines
from runtime_probe.checks import ALL, nan_or_inf
from runtime_probe.checks.base import Check, Result, Status, skipped
from runtime_probe.record import BASELINE, Record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runtime_probe.families import Family
    from runtime_probe.findings import Judged

HEALTHY, FAILED, NOT_JUDGED = 0, 1, 2
"""Exit status: warnings allowed; a check failed; the run gave nothing to judge."""
STATUSES = {HEALTHY: "healthy", FAILED: "failed", NOT_JUDGED: "not judged"}

_COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


@dataclass(slots=True)
class Report:
    """What a probed run says about itself."""

    exit_status: int
    reason: str
    """Why nothing could be judged; empty otherwise."""
    results: list[Result]
    """In the order of the checklist."""
    findings: list[Judged]
    """What the linter says of the files that ran, and what the run says to that."""
    family: Family
    record: Record | None
    """Of the process that is described: rank 0 of a distributed run."""
    causes: list[diagnosis.Cause] = field(default_factory=list)
    """The likeliest first, with what the phases say for and against each."""
    timeline: timelines.Comparison | None = None
    """One iteration as it happened, and whether the linter had predicted it."""
    ranks: int = 1
    notes: list[str] = field(default_factory=list)
    output_tail: str = ""
    """Last lines of the script, where they explain why nothing could be judged."""

    @property
    def status(self) -> str:
        """`healthy` (warnings allowed), `failed` or `not judged`."""
        return STATUSES[self.exit_status]

    def __str__(self) -> str:
        from runtime_probe.output import plain  # noqa: PLC0415 - it needs what is defined here

        return plain.text(self)

    @property
    def failures(self) -> list[Result]:
        """Failed checks, those that name a cause first."""
        return causes.sort([result for result in self.results if result.status is Status.FAIL])

    @property
    def warnings(self) -> list[Result]:
        """Checks that warn, what may be a cause before symptoms."""
        return causes.sort([result for result in self.results if result.status is Status.WARN])

    @property
    def next_action(self) -> str:
        """The one thing to do next."""
        if self.reason:
            return self.reason  # a remedy would be for what was not seen to be at fault
        for cause in self.causes if self.exit_status == FAILED else []:
            if cause.change:
                return cause.change + (f" ({cause.where})" if cause.where.path else "")
        for result in [*self.failures, *self.warnings]:
            if result.remedy:
                place = f" ({result.where})" if result.where.path else ""
                # A warning is no reason to wait.
                before = "" if self.exit_status == FAILED else "launch; worth a look: "
                return f"{before}{result.remedy}{place}"
        return "launch"


def judge(
    records: Sequence[Record], output_tail: str = "", *, timed_out: bool = False, exit_status: int | None = None
) -> Report:
    """Judge a run by what its processes observed.

    Args:
        records: One for each Python process that imported torch.
        output_tail: The last lines that the command printed.
        timed_out: Whether the command was ended for taking too long.
        exit_status: That of the command, if it ended by itself.
    """
    training = [r for r in records if r.backwards or r.detached_loss is not None]
    chosen = _ranks(training or list(records))
    main = chosen[0] if chosen else None
    family = families.detect(main) if main is not None else families.Family("unknown")
    asked = _results(chosen, family) if main is not None else []
    results = causes.explain(asked)
    judged = findings.judge(main, results) if main is not None else []
    failed = any(result.status is Status.FAIL for result in results)
    reason = "" if failed else _not_judged(main, timed_out=timed_out, exit_status=exit_status)
    status = FAILED if failed else NOT_JUDGED if reason else HEALTHY
    return Report(
        exit_status=status,
        reason=reason,
        results=results,
        findings=judged,
        family=family,
        record=main,
        causes=diagnosis.rank(asked, main) if main is not None else [],
        timeline=timelines.of(main) if main is not None else None,
        ranks=len(chosen),
        notes=_notes(main, training, chosen, timed_out=timed_out),
        output_tail=output_tail if status == NOT_JUDGED else "",
    )


def verdicts(record: Record) -> tuple[set[str], set[str]]:
    """Return the checks that one record fails, and those that warn."""
    results = _results([record], families.detect(record))
    of = {status: {r.check for r in results if r.status is status} for status in (Status.FAIL, Status.WARN)}
    return of[Status.FAIL], of[Status.WARN]


def _steps(record: Record) -> int:
    return sum(step.phase == BASELINE for step in record.steps)


def _ranks(records: list[Record]) -> list[Record]:
    """The process with the most steps, and its fellow ranks."""
    if not records:
        return []
    main = max(records, key=lambda r: (_steps(r), r.backwards, -r.rank))
    if main.world_size <= 1:
        return [main]
    fellows = {r.rank: r for r in sorted(records, key=_steps) if r.world_size == main.world_size}
    return [fellows[rank] for rank in sorted(fellows)]


def _results(records: list[Record], family: Family) -> list[Result]:
    results: list[Result] = []
    for check in ALL:
        if check.across is not None:
            results += [check.result(outcome) for outcome in check.across(records)]
            continue
        by_rank = [(record.rank, _ask(check, record, family)) for record in records]
        results += _merged(by_rank)
    return results


# What only a loop of the user's, or data of the user's, could answer for.
_OF_LOOP = {"gradients-not-cleared", "gradients-not-clipped", "clipping-without-effect"}
_OF_DATA = {"targets-beyond-head", "bins-not-covered", "noise-scale-mismatch"}


def _ask(check: Check, record: Record, family: Family) -> list[Result]:
    if record.own_loop and check.id in _OF_LOOP:
        return [check.result(skipped("the loop is the probe's own"))]
    if record.batch.made_up and (check.step <= 2 or check.id in _OF_DATA):
        return [check.result(skipped("the batch is made up"))]
    try:
        found = check.results(record, family)
    except (ArithmeticError, LookupError, TypeError, ValueError, AttributeError, AssertionError) as error:
        # A defect of one check must not cost the user the others.
        return [check.result(skipped(f"could not be judged, a defect of the probe ({type(error).__name__}: {error})"))]
    return _worst(found) or [check.result(skipped("the run gave no occasion to ask"))]


_RANK = {Status.FAIL: 0, Status.WARN: 1, Status.PASS: 2, Status.NOT_EXERCISED: 3}


def _worst(found: list[Result]) -> list[Result]:
    """Drop what a worse verdict of the same check makes idle: reasons beside answers, answers beside faults."""
    if not found:
        return []
    worst = min(_RANK[result.status] for result in found)
    kept = [result for result in found if _RANK[result.status] == worst]
    return list({result.message: result for result in kept}.values())


def _merged(by_rank: list[tuple[int, list[Result]]]) -> list[Result]:
    """One list of results for all ranks; what only some of them say names them."""
    if len(by_rank) == 1:
        return by_rank[0][1]
    worst = min(_RANK[result.status] for _, found in by_rank for result in found)
    saying = [(rank, [r for r in found if _RANK[r.status] == worst]) for rank, found in by_rank]
    saying = [(rank, found) for rank, found in saying if found]
    # A NaN reaches every rank with the next exchange of gradients: it began where it was seen first.
    began = [min(float(r.numbers.get("step", 0)) for r in found) for _, found in saying]
    saying = [item for item, step in zip(saying, began, strict=True) if step == min(began)]
    first = saying[0][1]
    if worst > 1 or len(saying) == len(by_rank):
        return first
    ranks = ", ".join(str(rank) for rank, _ in saying)
    return [replace(r, message=f"rank {ranks} of {len(by_rank)}: {r.message}") for r in first]


def _not_judged(record: Record | None, *, timed_out: bool, exit_status: int | None) -> str:
    """Why a run without a failed check is no healthy run; empty if it is one."""
    late = "; the time limit ended it" if timed_out else ""
    if exit_status and not timed_out:
        late = f"; the command ended with exit status {exit_status}"
    if record is None:
        return f"no Python process below the command imported torch{late}"
    steps = _steps(record)
    crash = record.crash
    if crash is not None and steps < record.wanted_steps:
        when = "before the first step" if not steps else f"after {steps} of {record.wanted_steps} steps"
        message = _COLOURS.sub("", crash.message).strip()
        return f"the script crashed {when}: {crash.type}: {(message.splitlines() or [''])[0]}"
    if not record.backwards and any(step.grad_norm > 0 for step in record.steps):
        return f"an optimizer stepped, but no backward pass was seen: gradients of torch.func cannot be judged{late}"
    if not record.backwards and not record.steps:
        return f"no backward pass was seen{late}"
    if not steps and record.steps and not timed_out:
        most = max(Counter(step.optimizer for step in record.steps).values())
        made = f"{most} step" + ("" if most == 1 else "s")
        return f"the script ended after {made}, and the first ones are warm-up: let it make a few more{late}"
    if not steps:
        return f"backward passes were seen, but no step of an optimizer of torch in the ten steps{late}"
    if timed_out and steps < record.wanted_steps:
        return f"the time limit ended the script after {steps} of {record.wanted_steps} steps"
    return ""


def _notes(main: Record | None, training: list[Record], chosen: list[Record], *, timed_out: bool) -> list[str]:
    if main is None:
        return []
    notes = list(main.notes)
    batch, steps = main.batch, _steps(main)
    if batch.reason:
        notes.append(f"the batch was not cut to {main.wanted_batch}: {batch.reason}")
    if 0 < steps < main.wanted_steps and main.crash is None:
        notes.append(f"the script ended after {steps} of {main.wanted_steps} steps")
    notes += [
        f"{model.name} normalizes over the batch ({len(model.batch_coupled)} layers): at a batch of"
        f" {batch.size or main.wanted_batch} its loss is not that of the real run"
        for model in main.models
        if model.batch_coupled
    ]
    others = {r.pid for r in training} - {r.pid for r in chosen}
    if others:
        notes.append(f"{len(others)} more processes trained and are not described")
    if nan_or_inf.checked_itself(main):
        notes.append("the script ended by its own test for NaN and infinity")
    return notes + ([f"ended by the time limit, {main.seconds:.0f} s"] if timed_out else [])


def relative(path: str, folder: str) -> str:
    """Return a path from the script's working folder where it lies below it."""
    try:
        return str(Path(path).relative_to(folder)) if folder else path
    except ValueError:
        return path
