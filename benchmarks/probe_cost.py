"""What the probe costs: seconds and memory of a probed run against the plain script to the same number of steps.

python benchmarks/probe_cost.py --python PYTHON_WITH_TORCH [--runs 3] [--steps 10 100]

The bars are 1.5 times the plain time plus 3 seconds, and 1.3 times the plain peak memory plus one copy of the
parameters. The plain run ends itself after as many optimizer steps as the probed one judges.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

PROGRAMS = {
    "mlp": """
import torch
from torch import nn
torch.manual_seed(0)
x, y = torch.randn(4096, 32), torch.randn(4096, 4)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), batch_size=256, shuffle=True)
model = nn.Sequential(nn.Linear(32, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 4))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(1000):
    for a, b in loader:
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(a), b)
        loss.backward()
        optimizer.step()
""",
    "transformer, 20M": """
import torch
from torch import nn
torch.manual_seed(0)
class LM(nn.Module):
    def __init__(self, vocab=4096, width=512, layers=5):
        super().__init__()
        self.embed = nn.Embedding(vocab, width)
        layer = nn.TransformerEncoderLayer(width, 8, 4 * width, dropout=0.0, batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.head = nn.Linear(width, vocab)
    def forward(self, idx):
        mask = nn.Transformer.generate_square_subsequent_mask(idx.shape[1])
        return self.head(self.encoder(self.embed(idx), mask=mask, is_causal=True))
data = torch.randint(4096, (100000,))
model = LM()
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4)
while True:
    rows = torch.randint(len(data) - 65, (8,))
    x = torch.stack([data[i : i + 64] for i in rows])
    y = torch.stack([data[i + 1 : i + 65] for i in rows])
    loss = nn.functional.cross_entropy(model(x).flatten(0, 1), y.flatten())
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
""",
    "resnet": """
import torch
from torch import nn
torch.manual_seed(0)
class Block(nn.Module):
    def __init__(self, a, b, stride):
        super().__init__()
        self.c1, self.b1 = nn.Conv2d(a, b, 3, stride, 1, bias=False), nn.BatchNorm2d(b)
        self.c2, self.b2 = nn.Conv2d(b, b, 3, 1, 1, bias=False), nn.BatchNorm2d(b)
        self.skip = nn.Conv2d(a, b, 1, stride) if a != b or stride > 1 else nn.Identity()
    def forward(self, x):
        y = torch.relu(self.b1(self.c1(x)))
        return torch.relu(self.b2(self.c2(y)) + self.skip(x))
widths = [64, 64, 128, 128, 256, 256, 512, 512]
blocks = [Block(a, b, 1 + (a != b)) for a, b in zip([64, *widths], widths)]
model = nn.Sequential(nn.Conv2d(3, 64, 3, 1, 1), *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10))
x, y = torch.randn(512, 3, 32, 32), torch.randint(10, (512,))
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), batch_size=16, shuffle=True)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
for epoch in range(1000):
    for a, b in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(a), b)
        loss.backward()
        optimizer.step()
""",
}

_PLAIN = """
import os, torch
from torch.optim.optimizer import register_optimizer_step_post_hook
count = [0]
def counted(*_):
    count[0] += 1
    if count[0] >= {steps}:
        os._exit(0)
register_optimizer_step_post_hook(counted)
"""


def main() -> None:
    """Measure and print one line for each program."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--python", default=sys.executable, help="an interpreter that has torch")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--steps", type=int, nargs="*", default=[10])
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    lines = []
    head = ("program", "steps", "plain s", "probed s", "bar", "plain MB", "probed MB", "bar")
    print("{:18} {:>5} {:>8} {:>8} {:>8} {:>9} {:>9} {:>9}".format(*head))
    with tempfile.TemporaryDirectory(prefix="cost-") as name:
        for program, text in PROGRAMS.items():
            for steps in arguments.steps:
                line = _measure(Path(name), program, text, steps, arguments.python, arguments.runs)
                lines.append(line)
                seconds = [f"{line[key]:8.2f}" for key in ("plain_seconds", "probed_seconds", "bar_seconds")]
                memory = [f"{line[key]:9.0f}" for key in ("plain_mb", "probed_mb", "bar_mb")]
                verdict = "ok" if line["ok"] else "MISSES"
                print(f"{program:18} {steps:5}", *seconds, *memory, verdict, flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(lines, indent=1), encoding="utf-8")


def _measure(
    folder: Path, program: str, text: str, steps: int, python: str, runs: int
) -> dict[str, str | int | float | bool]:
    stem = program.split(",", maxsplit=1)[0]
    plain, script = folder / f"{stem}_plain.py", folder / f"{stem}.py"
    plain.write_text(stopping_after(steps) + text, encoding="utf-8")
    script.write_text(text, encoding="utf-8")
    probe = [sys.executable, "-m", "runtime_probe", "--steps", str(steps), python, str(script)]
    bare, probed = [], []
    for _ in range(runs):
        bare.append(measured([python, str(plain)]))
        probed.append(measured(probe))
    seconds, megabytes = (statistics.median(pair[i] for pair in bare) for i in (0, 1))
    probed_seconds, probed_megabytes = (statistics.median(pair[i] for pair in probed) for i in (0, 1))
    bar_seconds, bar_megabytes = 1.5 * seconds + 3, 1.3 * megabytes + _parameters(python, text)
    return {
        "program": program, "steps": steps, "plain_seconds": seconds, "probed_seconds": probed_seconds,
        "bar_seconds": bar_seconds, "plain_mb": megabytes, "probed_mb": probed_megabytes, "bar_mb": bar_megabytes,
        "ok": probed_seconds <= bar_seconds and probed_megabytes <= bar_megabytes,
    }  # fmt: skip


def stopping_after(steps: int) -> str:
    """Return what, before a script, ends it after so many steps of an optimizer."""
    return _PLAIN.format(steps=steps)


def measured(command: list[str]) -> tuple[float, float]:
    """Seconds, and the peak memory of the process below that took most, in MB."""
    # The peak of waited-for children belongs to one process that measures a single command.
    code = (
        "import resource, subprocess, sys;"
        " subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL);"
        " print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)"
    )
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, (str(ROOT), environment.get("PYTHONPATH"))))
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", code, *command], stdout=subprocess.PIPE, text=True, env=environment, check=True
    )
    return time.monotonic() - started, float(done.stdout)


def _parameters(python: str, text: str) -> float:
    """Size of one copy of the parameters in MB."""
    made = text.partition("optimizer = ")[0]
    code = f"{made}\nprint(sum(p.numel() * p.element_size() for p in model.parameters()) / 2**20)"
    return float(subprocess.run([python, "-c", code], stdout=subprocess.PIPE, text=True, check=True).stdout)


if __name__ == "__main__":
    main()
