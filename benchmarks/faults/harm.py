"""Does each fault do harm? Runs programs to their end, without the probe, beside their healthy twins.

python benchmarks/faults/harm.py --python PYTHON_WITH_TORCH --families NAME [NAME ...] [--seeds 2]

A program that takes part prints two lines, lower is better: `untrained: NUMBER` before training and `result: NUMBER`
after it, both of the same measure (loss on held-out data, minus the return, ...). Harm is what share of the way
from the untrained to the healthy result was lost: 0 is none, 1 is "learned nothing". A fault that ends in an
error, in NaN, or at 0.1 and more is one; below that the benchmark should not hold it.
"""

from __future__ import annotations

import argparse
import math
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from harness import families

HARM = 0.1


def main() -> None:
    """Print the harm of each fault."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--families", nargs="+", required=True)
    parser.add_argument("--faults", nargs="*", default=[], help="only faults with these names")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--python", default=sys.executable, help="an interpreter that has torch")
    arguments = parser.parse_args()
    harmless = 0
    with tempfile.TemporaryDirectory(prefix="harm-") as folder:
        for family in families(arguments.families):
            script = Path(folder, f"{family.name}.py")

            def results(text: str, script: Path = script) -> list[tuple[float, float]]:
                script.write_text(text, encoding="utf-8")
                return [_run(arguments.python, script, seed) for seed in range(arguments.seeds)]

            twins = results(family.text)
            untrained, healthy = (statistics.mean(column) for column in zip(*twins, strict=True))
            spread = ", ".join(f"{result:.4g}" for _, result in twins)
            print(f"{family.name}: untrained {untrained:.4g}, healthy {spread}", flush=True)
            for fault in family.faults:
                if arguments.faults and fault.name not in arguments.faults:
                    continue
                found = statistics.mean(result for _, result in results(fault.apply(family.text)))
                harm = (found - healthy) / (untrained - healthy) if math.isfinite(found) else math.inf
                harmless += harm < HARM
                mark = "" if harm >= HARM else "  HARMLESS"
                print(f"  {harm:8.2f} {fault.name} ({found:.4g}){mark}", flush=True)
    print(f"{harmless} without harm")


def _run(python: str, script: Path, seed: int) -> tuple[float, float]:
    """Return the measure before and after training; NaN where it ended in an error."""
    done = subprocess.run(
        [python, str(script), "--seed", str(seed)], capture_output=True, text=True, check=False, cwd=script.parent
    )
    found = [re.findall(rf"^{word}: (\S+)$", done.stdout, re.MULTILINE) for word in ("untrained", "result")]
    before, after = (float(values[-1]) if values and not done.returncode else math.nan for values in found)
    return before, after


if __name__ == "__main__":
    main()
