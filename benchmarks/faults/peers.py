"""The peers of the probe on the same programs, judged by the same measures.

python benchmarks/faults/peers.py --peer-python PYTHON_WITH_TORCH_AND_PEERS [--peers torch-audit ...] [--json FILE]

Each peer's calls are written into the program text where a person would put them (`peer_text.py`), the program runs
for so many steps, and what the peer says is translated into the names of this probe's checks (`peer_causes.py`).
The row `none` is the program without any tool: what torch and Python say by themselves. They say it under each peer
too, so it counts in all rows.

A fault is *warned of* if the peer warns or the program stops with an error (for the probe: if a check fails);
*detected* if it says anything that it does not say of the healthy twin; a false alarm is any warning or error (for the
probe: a failed check) on a healthy twin.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import HEALTHY, HERE, FamilyOfFaults, Fault, Outcome, apart, families
from peer_causes import TABLES, Said, ranked
from peer_text import TARGETS, pairs, with_calls

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PEERS = tuple(TABLES)


@dataclass(slots=True)
class PeerOutcome(Outcome):
    """What a peer made of one run of one program: the kinds of things it said are what checks are of the probe."""

    peer: str = ""
    said: list[Said] = field(default_factory=list)

    @property
    def says(self) -> set[str]:
        """Whatever it complains of; what it merely tells is no complaint."""
        return set(self.failed)

    @property
    def first(self) -> bool:
        """Whether what it says first names the right cause."""
        return any(cause in self.causes for said in self.said[:1] for cause in said.causes)

    @property
    def top_three(self) -> bool:
        """Whether one of the first three things does."""
        return any(cause in self.causes for said in self.said[:3] for cause in said.causes)


class PeerZygote:
    """The process whose forks run the programs with one peer's calls in them."""

    def __init__(self, python: str, peer: str, steps: int) -> None:
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        self.peer, self.steps = peer, steps
        self.process = subprocess.Popen(
            [python, str(HERE / "peer_zygote.py"), peer],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        hello = self._answer()
        self.version = str(hello.get("version", ""))
        self.missing = str(hello.get("missing", ""))

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        return dict(json.loads(line)) if line else {"missing": "it ended at once"}

    def run(self, script: Path, seed: int, targets: str) -> tuple[list[dict[str, str]], str, float]:
        """Run one program; return what was said, what went wrong in the peer, and the seconds it took."""
        assert self.process.stdin is not None
        with tempfile.TemporaryDirectory(prefix="peers-") as folder:
            answer = Path(folder) / "said.json"
            job = {"script": str(script), "arguments": ["--seed", str(seed)], "answer": str(answer),
                   "steps": self.steps, "targets": targets, "timeout": 120.0}  # fmt: skip
            self.process.stdin.write(json.dumps(job) + "\n")
            self.process.stdin.flush()
            done = self._answer()
            if not answer.exists():
                return [], f"ended with status {done.get('status')}", float(done.get("seconds", 0.0))
            kept = json.loads(answer.read_text(encoding="utf-8"))
        return kept["said"], kept["trouble"], float(done["seconds"])

    def close(self) -> None:
        """End it."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()


def judge(zygote: PeerZygote, family: FamilyOfFaults, found: Fault | None, seed: int, folder: Path) -> PeerOutcome:
    """Write a program with the peer's calls in it, run it and judge what the peer said."""
    name = found.name if found is not None else HEALTHY
    script = folder / f"{family.name}_{name.replace('-', '_')}.py"
    text = found.apply(family.text) if found is not None else family.text
    causes = found.causes if found is not None else ()
    outcome = PeerOutcome(family.name, name, causes, family.half, seed, 0.0, peer=zygote.peer)
    try:
        script.write_text(with_calls(text, pairs(family.text)), encoding="utf-8")
    except ValueError as error:
        outcome.note = str(error)
        return outcome
    messages, outcome.note, outcome.seconds = zygote.run(script, seed, TARGETS.get(family.name, ""))
    outcome.note = "; ".join([outcome.note, *(m["message"] for m in messages if m["level"] == "trouble")]).strip("; ")
    outcome.said = ranked(zygote.peer, messages)
    outcome.failed = [said.kind for said in outcome.said if said.level != "info"]
    outcome.warned = [said.kind for said in outcome.said if said.level == "info"]
    return outcome


def run(chosen: Sequence[FamilyOfFaults], arguments: argparse.Namespace) -> Iterator[PeerOutcome]:
    """Run the peers, one after the other, on all programs. Says which of them are missing."""
    faults = arguments.faults
    for peer in arguments.peers or PEERS:
        zygote = PeerZygote(arguments.peer_python, peer, arguments.peer_steps)
        if zygote.missing:
            print(f"{peer}: not run: {zygote.missing}")
            continue
        print(f"{peer}: {zygote.version}", flush=True)
        with tempfile.TemporaryDirectory(prefix="programs-") as name:
            for family in chosen:
                for found in (None, *family.faults):
                    if found is None or not faults or found.name in faults:
                        for seed in range(arguments.fault_seeds):
                            yield judge(zygote, family, found, seed, Path(name))
        zygote.close()


def takes_calls(family: FamilyOfFaults) -> bool:
    """Whether a peer's calls can be put into a program; a framework's trainer has no loop for them."""
    known = pairs(family.text)
    try:
        with_calls(family.text, known)
    except ValueError:
        return False
    return bool(known) and not family.needs


def table(probe: Sequence[Outcome], outcomes: Sequence[PeerOutcome]) -> None:
    """Print one line for each tool and half."""
    print(f"{'tool':18} {'half':7} {'faults':>6} {'warned of':>9} {'detected':>9} {'first':>9} {'top 3':>9} "
          f"{'false':>9} {'seconds':>8}")  # fmt: skip
    by_tool: dict[str, list[Outcome]] = {"this probe": list(probe)} if probe else {}
    for outcome in outcomes:
        by_tool.setdefault(outcome.peer, []).append(outcome)
    for half in ("tune", "report", "all"):
        for tool, found in by_tool.items():
            of_half = [o for o in found if half in {"all", o.half}]
            if of_half:
                print(f"{tool:18} {half:7} " + _columns(of_half))
        print()


def _columns(outcomes: list[Outcome]) -> str:
    faulty = [o for o in outcomes if o.program != HEALTHY]
    healthy = [o for o in outcomes if o.program == HEALTHY]
    counts = (sum(bool(o.failed) for o in faulty), len(apart(outcomes)), sum(o.first for o in faulty),
              sum(o.top_three for o in faulty))  # fmt: skip
    shares = [f"{count:4} {count / max(len(faulty), 1):4.0%}" for count in counts]
    false = f"{sum(bool(o.failed) for o in healthy)}/{len(healthy)}"
    seconds = sorted(o.seconds for o in outcomes)[len(outcomes) // 2]
    return f"{len(faulty):6} " + " ".join([*shares, f"{false:>9}", f"{seconds:8.2f}"])


def options(parser: argparse.ArgumentParser) -> None:
    """Add the options about peers."""
    parser.add_argument("--peers", nargs="*", choices=PEERS, help="peers for the same table (default: all of them)")
    parser.add_argument("--peer-python", default=sys.executable, help="an interpreter that has torch and the peers")
    parser.add_argument("--peer-steps", type=int, default=50, help="steps that a peer may watch (default: %(default)s)")
    parser.add_argument("--peer-json", type=Path, help="what the peers said")


def compare(probe: Sequence[Outcome], chosen: Sequence[FamilyOfFaults], arguments: argparse.Namespace) -> None:
    """Run the peers that were asked for, and print the table with the probe's line in it."""
    outcomes: list[PeerOutcome] = []
    asked = [family for family in chosen if takes_calls(family)]
    names = {family.name for family in asked}
    left_out = [family.name for family in chosen if family.name not in names]
    if left_out:
        print(f"peers are not asked of {', '.join(left_out)}: no loop and optimizer in sight to put their calls beside")
    probe = [outcome for outcome in probe if outcome.family in names]
    for outcome in run(asked, arguments):
        outcomes.append(outcome)
        if arguments.messages and (outcome.failed or outcome.note):
            print(f"    {outcome.family}/{outcome.program} {outcome.note}")
            for said in outcome.said:
                print(f"        {said.level:5} {' '.join(said.causes) or '-'}: {said.message[:160]}")
    print()
    table(probe, outcomes)
    troubles = [o for o in outcomes if o.note]
    for peer in dict.fromkeys(o.peer for o in troubles):
        notes = [o.note for o in troubles if o.peer == peer]
        print(f"{peer}: {len(notes)} runs not judged in full, such as: {notes[0][:200]}")
    if arguments.peer_json:
        text = json.dumps([dataclasses.asdict(o) for o in outcomes], indent=1)
        arguments.peer_json.write_text(text, encoding="utf-8")


def main() -> None:
    """Run the peers alone."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--families", nargs="*", default=[])
    parser.add_argument("--faults", nargs="*", default=[], help="only faults with these names")
    parser.add_argument("--fault-seeds", type=int, default=1, help="runs of each program (default: %(default)s)")
    parser.add_argument("--messages", action="store_true", help="what each peer said")
    options(parser)
    arguments = parser.parse_args()
    compare([], families(arguments.families), arguments)


if __name__ == "__main__":
    main()
