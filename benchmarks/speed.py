"""CPU seconds of whole processes on public code, as a table of ratios.

usage: python benchmarks/speed.py [--rounds N] [--peers] [--corpus FOLDER] [--json FILE]

The corpus is the lerobot 0.4.4 wheel, downloaded by name. Each program runs once a round, one after
the other, and the median of its user and system time, children included, counts: a machine that
slows down slows them all. --peers adds TorchFix and torch-preflight, each installed into an
environment of its own, where that is possible.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

from platformdirs import user_cache_dir

# Outside of this repository, whose own files would otherwise be the corpus' neighbours.
CACHE = Path(os.environ.get("CONVDIAG_BENCH_DIR") or user_cache_dir("convdiag-bench", appauthor=False))
WHEEL = "lerobot==0.4.4"
PEERS = {"torchfix": "torchfix==0.7.0", "torch-preflight": "torch-preflight==0.5.0"}
PYTHON = sys.executable

PARSE = """
import sys, pathlib
import {module}
for path in pathlib.Path(sys.argv[1]).rglob("*.py"):
    try:
        {call}(path.read_bytes())
    except Exception:
        pass
"""
LIBCST = PARSE.format(module="libcst", call="libcst.parse_module")
AST = PARSE.format(module="ast", call="ast.parse")


@dataclass
class Program:
    """One line of the table."""

    name: str
    command: list[str]
    warm: bool = False
    """Runs once beforehand, with a cache that it keeps."""
    seconds: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        """The middle one of all measured times."""
        return statistics.median(self.seconds)


def corpus() -> Path:
    """Return the unpacked wheel, downloaded at the first call."""
    folder = CACHE / WHEEL
    if not folder.is_dir():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as temporary:
            subprocess.run(
                [PYTHON, "-m", "pip", "download", "--quiet", "--no-deps",
                 "--only-binary", ":all:", "--python-version", "3.12", "-d", temporary, WHEEL],
                check=True,
            )  # fmt: skip
            (wheel,) = Path(temporary).glob("*.whl")
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(Path(temporary) / "code")
            # Marks the root of a project, as in a clone.
            (Path(temporary) / "code" / ".git").mkdir()
            (Path(temporary) / "code").rename(folder)
    return folder


def peers() -> dict[str, Path]:
    """Return the scripts folder of each peer that can be installed, in its own environment."""
    found = {}
    for name, requirement in PEERS.items():
        folder = CACHE / f"venv-{name}"
        if not (folder / "ready").exists():
            subprocess.run([PYTHON, "-m", "venv", "--clear", folder], check=True)
            install = [str(folder / "bin" / "python"), "-m", "pip", "install", "-q", requirement]
            if name == "torchfix":
                install.append("flake8")
            if subprocess.run(install, check=False).returncode:
                print(f"{requirement} cannot be installed here", file=sys.stderr)
                continue
            (folder / "ready").touch()
        found[name] = folder / "bin"
    return found


def programs(folder: Path, *, with_peers: bool) -> list[Program]:
    """Return everything that is measured on a folder."""
    here = str(folder)
    lint = [PYTHON, "-m", "convdiag_lint", "check", "--exit-zero", here]
    flake8 = [PYTHON, "-m", "flake8", "--isolated", "--exit-zero", "-q", "-q", "-j1", here]
    ruff = shutil.which("ruff", path=str(Path(PYTHON).parent)) or "ruff"
    isolated = [ruff, "check", "--isolated", "--no-cache", "--quiet", "--exit-zero", here]
    table = [
        Program("libcst.parse_module", [PYTHON, "-c", LIBCST, here]),
        Program("ast.parse", [PYTHON, "-c", AST, here]),
        Program("convdiag-lint, cold", [*lint, "--no-cache"]),
        Program("convdiag-lint, warm", lint, warm=True),
        Program("flake8 without the plugin", [PYTHON, "-c", _without_plugin(), *flake8[3:]]),
        Program("flake8 with the plugin, cold", flake8),
        Program("flake8 with the plugin, warm", flake8, warm=True),
        Program("ruff check", isolated),
    ]
    if with_peers:
        found = peers()
        if "torchfix" in found:
            bin_ = found["torchfix"]
            table += [
                Program("TorchFix", [str(bin_ / "torchfix"), "--select=ALL", here]),
                Program(
                    "flake8 with TorchFix",
                    [str(bin_ / "python"), "-m", "flake8", *flake8[3:]],
                ),
            ]
        if "torch-preflight" in found:
            script = found["torch-preflight"] / "torch-preflight"
            table.append(Program("torch-preflight", [str(script), here]))
    return table


def _without_plugin() -> str:
    """Start flake8 as if this plugin were not installed."""
    return (
        "import importlib.metadata as m, sys\n"
        "every = m.distributions\n"
        "m.distributions = lambda **k: (d for d in every(**k) if d.name != 'convdiag-lint')\n"
        "from flake8.main.cli import main\n"
        "sys.exit(main())\n"
    )


def cpu_seconds(command: list[str], cache: Path) -> float:
    """Run a program and return the processor time that it and its children took."""
    environment = {**os.environ, "CONVDIAG_CACHE_DIR": str(cache)}
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors, env=environment, cwd=CACHE)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        errors.seek(0)
        text = errors.read().decode(errors="replace")
    if "Traceback" in text or process.returncode not in (0, 1):
        print(f"{command[:4]} failed: {text[-500:]}", file=sys.stderr)
    return usage.ru_utime + usage.ru_stime


def measure(table: list[Program], caches: Path, rounds: int) -> None:
    """Run every program once a round, in turn."""
    for turn in range(rounds + 1):
        for number, program in enumerate(table):
            warm = caches / f"warm-{number}"
            cold = caches / f"cold-{number}-{turn}"
            if turn == 0 and not program.warm:
                continue
            seconds = cpu_seconds(program.command, warm if program.warm else cold)
            if turn:
                program.seconds.append(seconds)


def show(table: list[Program], folder: Path) -> None:
    """Print the table, in Markdown, each program against bare libcst and bare flake8."""
    files = list(folder.rglob("*.py"))
    lines = sum(file.read_bytes().count(b"\n") for file in files)
    by_name = {program.name: program.median for program in table}
    libcst, flake8 = by_name["libcst.parse_module"], by_name["flake8 without the plugin"]
    print(f"{folder.name}: {len(files)} files, {lines:,} lines; Python {platform.python_version()}\n")
    print("| | CPU s | of libcst.parse_module | of flake8 |")
    print("|---|---|---|---|")
    for program in table:
        median = program.median
        print(f"| {program.name} | {median:.2f} | {median / libcst:.3f} | {median / flake8:.3f} |")


def main() -> int:
    """Measure, and print what came out."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", action="store_true", help="TorchFix and torch-preflight as well")
    parser.add_argument("--corpus", type=Path, help="another folder than the wheel")
    parser.add_argument("--json", type=Path, help="write all times to this file")
    options = parser.parse_args()
    folder = options.corpus.resolve() if options.corpus else corpus()
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as caches:
        table = programs(folder, with_peers=options.peers)
        measure(table, Path(caches), options.rounds)
    show(table, folder)
    if options.json:
        options.json.write_text(json.dumps({p.name: p.seconds for p in table}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
