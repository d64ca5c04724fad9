"""The fault benchmark of the probe: is each fault found, is its cause named, do healthy twins pass?

python benchmarks/faults/run.py --python PYTHON_WITH_TORCH [--families bc_mlp gan] [--seeds 20] [--json FILE]
    [--peers --peer-python PYTHON_WITH_TORCH_AND_PEERS]
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import tempfile
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import peers
from harness import HEALTHY, Outcome, Zygote, apart, families, judge

if TYPE_CHECKING:
    from collections.abc import Iterable


def main() -> None:
    """Run all programs and print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--families", nargs="*", default=[])
    parser.add_argument("--faults", nargs="*", default=[], help="only faults with these names")
    parser.add_argument("--half", choices=["tune", "report"])
    parser.add_argument("--seeds", type=int, default=20, help="runs of each healthy program (default: %(default)s)")
    parser.add_argument("--fault-seeds", type=int, default=1, help="runs of each faulty one (default: %(default)s)")
    parser.add_argument("--python", default=sys.executable, help="an interpreter that has torch")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--messages", action="store_true", help="what each failed and warned check said")
    peers.options(parser)
    arguments = parser.parse_args()

    chosen = [f for f in families(arguments.families) if arguments.half in {None, f.half}]
    zygote = Zygote(arguments.python, [name for family in chosen for name in family.needs])
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory(prefix="programs-") as name:
        for family in chosen:
            if not zygote.has(family.needs):
                print(f"left out: {family.name} needs {', '.join(family.needs)}")
                continue
            for seed in range(arguments.seeds):
                outcomes.append(judge(zygote, family, None, seed, Path(name)))
                _tell(outcomes[-1], messages=arguments.messages)
            for fault in family.faults:
                if arguments.faults and fault.name not in arguments.faults:
                    continue
                for seed in range(arguments.fault_seeds):
                    outcomes.append(judge(zygote, family, fault, seed, Path(name)))
                    _tell(outcomes[-1], messages=arguments.messages)
    zygote.close()
    print()
    table(outcomes)
    if arguments.json:
        plain = [{f.name: getattr(o, f.name) for f in dataclasses.fields(o) if f.name != "report"} for o in outcomes]
        arguments.json.write_text(json.dumps(plain, indent=1), encoding="utf-8")
    if arguments.peers is not None:
        peers.compare(outcomes, chosen, arguments)


def _tell(outcome: Outcome, *, messages: bool) -> None:
    """One line for each run that is not as it should be."""
    healthy = outcome.program == HEALTHY
    if healthy and not outcome.failed and not outcome.note and not messages:
        return
    if healthy:
        mark = "FALSE" if outcome.failed else "  ok "
    else:
        mark = "first" if outcome.first else "three" if outcome.top_three else "found" if outcome.failed else "MISS "
        mark = mark.upper() if not outcome.failed and mark != "MISS " else mark
    what = f"{outcome.family}/{outcome.program}:{outcome.seed}"
    said = f"F[{' '.join(outcome.failed)}] W[{' '.join(outcome.warned)}]"
    print(f"{mark} {what:46} {outcome.loss_family:13.13} {said} {outcome.note}", flush=True)
    if messages and outcome.report is not None:
        for result in [*outcome.report.failures, *outcome.report.warnings]:
            print(f"        {result.status.value:4} {result.check}: {result.message}")


def table(outcomes: list[Outcome]) -> None:
    """Print one line for each family, and one for each half.

    Detected: something is said of it that is not said of its healthy twin under any seed. Failed: exit status 1.
    """
    columns = ("detected", "failed", "first", "top 3", "false")
    print(f"{'family':24} {'faults':>6} " + " ".join(f"{c:>9}" for c in columns) + f" {'seconds':>8}")
    by_family: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        by_family[f"{outcome.half}: {outcome.family}"].append(outcome)
    for name in sorted(by_family, reverse=True):
        _line(name.partition(": ")[2] + f" ({name[0]})", by_family[name])
    for half in ("tune", "report"):
        _line(f"half: {half}", [o for o in outcomes if o.half == half])
    _line("all", outcomes)
    warned = Counter(check for o in outcomes if o.program == HEALTHY for check in o.warned)
    if warned:
        print("warnings on healthy programs:", ", ".join(f"{check} {count}" for check, count in warned.most_common()))


def _line(name: str, outcomes: list[Outcome]) -> None:
    faulty = [o for o in outcomes if o.program != HEALTHY]
    healthy = [o for o in outcomes if o.program == HEALTHY]
    if not outcomes:
        return
    seconds = sorted(o.seconds for o in outcomes)[len(outcomes) // 2]
    detected = apart(outcomes)
    columns = (
        _share(o in detected for o in faulty), _share(bool(o.failed) for o in faulty),
        _share(o.first for o in faulty), _share(o.top_three for o in faulty),
        f"{sum(bool(o.failed) for o in healthy)}/{len(healthy)}",
    )  # fmt: skip
    print(f"{name:24} {len(faulty):6} " + " ".join(f"{c:>9}" for c in columns) + f" {seconds:8.2f}")


def _share(values: Iterable[bool]) -> str:
    found = list(values)
    return f"{sum(found)} {sum(found) / len(found):4.0%}" if found else "-"


if __name__ == "__main__":
    main()
