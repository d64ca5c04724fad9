"""Writes the programs of the benchmark, has them probed, and judges what was observed."""

from __future__ import annotations

import dataclasses
import importlib
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
for _path in (str(ROOT), str(HERE)):
    if _path not in sys.path:
        sys.path.insert(0, _path)

from runtime_probe import report  # noqa: E402 - found by the path above
from runtime_probe.checks.base import Status  # noqa: E402
from runtime_probe.record import files as record_files  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runtime_probe.record import Record
    from runtime_probe.report import Report

HEALTHY = "healthy"
_SLOW = {"transformers": ["transformers.trainer"], "lightning": ["lightning.pytorch"]}
"""What of a framework takes long to import, where the framework itself puts it off."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that somebody got wrong in a program that was right."""

    name: str
    causes: tuple[str, ...]
    """Ids of the checks that name it; the first is the best name. Empty where ten steps cannot tell."""
    edits: tuple[tuple[str, str], ...]
    """What the healthy program says, and what the faulty one says instead."""

    def apply(self, text: str) -> str:
        """Return the faulty program. Raises ValueError where an edit does not match exactly once."""
        for old, new in self.edits:
            if text.count(old) != 1:
                raise ValueError(f"{self.name}: {old!r} occurs {text.count(old)} times")
            text = text.replace(old, new)
        compile(text, self.name, "exec")
        return text


def fault(name: str, causes: str, *edits: str) -> Fault:
    """Make a fault: its causes in one string, then old and new text by turns."""
    return Fault(name, tuple(causes.split()), tuple(zip(edits[::2], edits[1::2], strict=True)))


@dataclass(frozen=True, slots=True)
class FamilyOfFaults:
    """A healthy program and its faulty twins."""

    name: str
    half: str
    """`tune`: thresholds were chosen on it; `report`: they were not."""
    faults: tuple[Fault, ...]
    needs: tuple[str, ...] = ()
    """Modules that the program imports beside torch and numpy."""

    @property
    def text(self) -> str:
        """The healthy program."""
        return (HERE / "programs" / f"{self.name}.py").read_text(encoding="utf-8")


def families(chosen: Sequence[str] = ()) -> list[FamilyOfFaults]:
    """Load the catalogue, or some families of it."""
    names = sorted(path.stem for path in (HERE / "catalogue").glob("*.py") if path.stem != "__init__")
    unknown = set(chosen) - set(names)
    if unknown:
        raise ValueError(f"no such family: {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    return [importlib.import_module(f"catalogue.{name}").FAMILY for name in names if not chosen or name in chosen]


@dataclass(slots=True)
class Outcome:
    """How the probe judged one run of one program."""

    family: str
    program: str
    causes: tuple[str, ...]
    half: str
    seed: int
    seconds: float
    failed: list[str] = field(default_factory=list)
    """Ids of failed checks, the first cause first."""
    warned: list[str] = field(default_factory=list)
    loss_family: str = ""
    note: str = ""
    """Why nothing was judged, or what went wrong in the probe."""
    report: Report | None = None

    @property
    def says(self) -> set[str]:
        """Whatever it complains of."""
        return {*self.failed, *self.warned}

    @property
    def ranked(self) -> list[str]:
        """Causes as the report ranks them, then failed, then warned."""
        causes = [cause.check for cause in self.report.causes] if self.report is not None else []
        return list(dict.fromkeys([*causes, *self.failed, *self.warned]))

    @property
    def first(self) -> bool:
        """Whether the right cause comes first."""
        return bool(self.ranked) and self.ranked[0] in self.causes

    @property
    def top_three(self) -> bool:
        """Whether it is among the first three."""
        return any(cause in self.causes for cause in self.ranked[:3])


class Zygote:
    """The process whose forks run the programs."""

    def __init__(self, python: str, needs: Sequence[str] = ()) -> None:
        self.python = python
        slow = [module for name in dict.fromkeys(needs) for module in _SLOW.get(name, [name])]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        self.process = subprocess.Popen(
            [python, str(HERE / "zygote.py"), *slow],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def has(self, modules: Sequence[str]) -> bool:
        """Return whether its interpreter could import these modules."""
        code = f"import importlib.util, sys; sys.exit(not all(map(importlib.util.find_spec, {modules!r})))"
        return subprocess.run([self.python, "-c", code], check=False, capture_output=True).returncode == 0

    def run(self, script: Path, arguments: Sequence[str], *, probe: bool = True) -> tuple[list[Record], float]:
        """Run one program under the probe; return what was observed and the seconds it took."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with tempfile.TemporaryDirectory(prefix="faults-") as folder:
            job = {"script": str(script), "arguments": list(arguments), "folder": str(script.parent),
                   "run_folder": folder, "timeout": 60.0, "probe": probe}  # fmt: skip
            self.process.stdin.write(json.dumps(job) + "\n")
            self.process.stdin.flush()
            answer: dict[str, Any] = json.loads(self.process.stdout.readline())
            records = [record_files.read(path) for path in Path(folder).glob("record-*.json")]
        # The linter has a benchmark of its own.
        return [dataclasses.replace(item, files=[]) for item in records], float(answer["seconds"])

    def close(self) -> None:
        """End it."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(60)
        assert self.process.stdout is not None
        self.process.stdout.close()


def judge(zygote: Zygote, family: FamilyOfFaults, found: Fault | None, seed: int, folder: Path) -> Outcome:
    """Write a program, run it and judge it."""
    name = found.name if found is not None else HEALTHY
    script = folder / f"{family.name}_{name.replace('-', '_')}.py"
    script.write_text(found.apply(family.text) if found is not None else family.text, encoding="utf-8")
    records, seconds = zygote.run(script, ["--seed", str(seed)])
    judged = report.judge(records)
    outcome = Outcome(family.name, name, found.causes if found is not None else (), family.half, seed, seconds)
    outcome.failed = list(dict.fromkeys(result.check for result in judged.failures))
    outcome.warned = list(dict.fromkeys(result.check for result in judged.warnings))
    outcome.loss_family = judged.family.name
    defects = [r.check for r in judged.results if r.status is Status.NOT_EXERCISED and "a defect of the" in r.message]
    anomalies = [text for item in records for text in item.features.anomalies]
    outcome.note = "; ".join([judged.reason, *defects, *anomalies]).strip("; ")
    outcome.report = judged
    return outcome


def apart(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Return the runs of faults of which something is said that no healthy twin is told, whatever the seed.

    What fails a faulty program, and only warns of its twin, is said of it alone: the exit status differs.
    """
    told: dict[str, set[str]] = {}
    failed: dict[str, set[str]] = {}
    for outcome in outcomes:
        if outcome.program == HEALTHY:
            told.setdefault(outcome.family, set()).update(outcome.says)
            failed.setdefault(outcome.family, set()).update(outcome.failed)
    return [
        o
        for o in outcomes
        if o.program != HEALTHY
        if o.says - told.get(o.family, set()) or set(o.failed) - failed.get(o.family, set())
    ]
