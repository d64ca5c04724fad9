"""What a check is: its metadata, and a question to the record of a run."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from runtime_probe.record import Where

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from runtime_probe.families.base import Family
    from runtime_probe.record import Record

STEPS = {
    1: "Statistics of inputs and targets",
    2: "Timestamps",
    3: "Ten steps on a tiny batch",
    4: "Gradients per layer",
    5: "NaN and Inf",
    6: "Shape of the curve, half precision",
    7: "Questions of the loss family",
}
"""The seed's checklist, in its order."""


class Status(str, enum.Enum):
    """Verdict of a check."""

    PASS = "pass"  # noqa: S105 - a verdict, no password
    WARN = "warn"
    FAIL = "fail"
    NOT_EXERCISED = "not exercised"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a check says of one thing; `Check.results` adds who said it."""

    status: Status
    message: str
    where: Where = field(default_factory=Where)
    remedy: str = ""
    numbers: dict[str, Any] = field(default_factory=dict)


def passed(message: str, where: Where | None = None, **numbers: Any) -> Outcome:
    """Nothing is wrong, and this number says so."""
    return Outcome(Status.PASS, message, where or Where(), "", numbers)


def warned(message: str, remedy: str, where: Where | None = None, **numbers: Any) -> Outcome:
    """Something may hurt; the exit status stays 0."""
    return Outcome(Status.WARN, message, where or Where(), remedy, numbers)


def failed(message: str, remedy: str, where: Where | None = None, **numbers: Any) -> Outcome:
    """Something is wrong that keeps the run from converging."""
    return Outcome(Status.FAIL, message, where or Where(), remedy, numbers)


def skipped(reason: str, **numbers: Any) -> Outcome:
    """The run gave no occasion to ask."""
    return Outcome(Status.NOT_EXERCISED, reason, Where(), "", numbers)


@dataclass(frozen=True, slots=True)
class Result:
    """A line of the report."""

    step: int
    """Of the seed's checklist, 1 to 7."""
    check: str
    """The cause, as in `learning-rate-too-high`; stable."""
    title: str
    status: Status
    message: str
    """With the number that decided."""
    where: Where = field(default_factory=Where)
    remedy: str = ""
    numbers: dict[str, Any] = field(default_factory=dict)


def _nothing(record: Record, family: Family) -> Iterable[Outcome]:
    return ()


@dataclass(frozen=True, slots=True)
class Check:
    """A cause of trouble: the metadata that the documentation is made from, and the question."""

    id: str
    """The cause."""
    title: str
    """What is looked at, in a few words."""
    step: int
    seed: str
    """The sentence of the source document that this check answers; empty if it is our own."""
    why: str
    run: Callable[[Record, Family], Iterable[Outcome]] = _nothing
    across: Callable[[Sequence[Record]], Iterable[Outcome]] | None = None
    """The question to all ranks of a distributed run together."""

    def results(self, record: Record, family: Family) -> list[Result]:
        """Ask one process."""
        return [self.result(outcome) for outcome in self.run(record, family)]

    def result(self, outcome: Outcome) -> Result:
        """Sign an outcome with the name of this check."""
        return Result(
            self.step,
            self.id,
            self.title,
            outcome.status,
            outcome.message,
            outcome.where,
            outcome.remedy,
            outcome.numbers,
        )


def number(value: float) -> str:
    """Return a number for people: three digits."""
    return f"{value:.3g}"


def names(items: Sequence[str], most: int = 3) -> str:
    """Return the first few of some names, and how many more there are."""
    more = f" and {len(items) - most} more" if len(items) > most else ""
    return ", ".join(items[:most]) + more
