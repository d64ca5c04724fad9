"""How long a full diagnosis takes: faulty scripts under the real command, against their ten plain steps.

python benchmarks/faults/seconds.py --python PYTHON_WITH_TORCH [--families bc_mlp ...] [--every 4]

The bar is three times the ten plain steps plus 5 seconds, for the median script. Both sides start Python and import
torch; the probed side also reads the script with the linter, runs the phases and writes the report.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

from harness import HERE, Zygote, families

sys.path.insert(0, str(HERE.parent))
from probe_cost import measured, stopping_after


def main() -> None:
    """Run some faults of each family both ways, one line each, and the medians."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--python", default=sys.executable, help="an interpreter that has torch")
    parser.add_argument("--families", nargs="*", default=[])
    parser.add_argument("--every", type=int, default=4, help="take every nth fault of a family (default: %(default)s)")
    arguments = parser.parse_args()
    zygote = Zygote(arguments.python)
    shares = []
    print(f"{'script':48} {'plain s':>8} {'probed s':>8} {'bar':>8}")
    with tempfile.TemporaryDirectory(prefix="programs-") as name:
        for family in families(arguments.families):
            if not zygote.has(family.needs):
                print(f"left out: {family.name} needs {', '.join(family.needs)}")
                continue
            for fault in family.faults[:: arguments.every]:
                text = fault.apply(family.text)
                script = Path(name) / f"{family.name}_{fault.name.replace('-', '_')}.py"
                plain = script.with_name(f"plain_{script.name}")
                script.write_text(text, encoding="utf-8")
                plain.write_text(stopping_after(10) + text, encoding="utf-8")
                bare = measured([arguments.python, str(plain)])[0]
                probed = measured([sys.executable, "-m", "runtime_probe", arguments.python, str(script)])[0]
                bar = 3 * bare + 5
                shares.append(probed / bar)
                print(f"{family.name + '/' + fault.name:48} {bare:8.2f} {probed:8.2f} {bar:8.2f}", flush=True)
    zygote.close()
    over = sum(share > 1 for share in shares)
    print(f"median: {statistics.median(shares):.2f} of the bar; {over} of {len(shares)} above it")


if __name__ == "__main__":
    main()
