"""Starting the user's command, with the tap inside, and ending everything below it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from launching import probed, script, start

from runtime_probe import record
from runtime_probe.launch.command import CommandError, resolve
from runtime_probe.launch.run import run
from runtime_probe.options import Options

# Stands in for torch, and writes a record as the tap does.
TORCH = """
import json, os
from pathlib import Path
options = json.loads(os.environ["CONVDIAG_PROBE"])
folder = Path(options["run_folder"])
def record(status="complete"):
    (folder / f"progress-{os.getpid()}").write_text("baseline 5 10")
    (folder / f"record-{os.getpid()}.json").write_text(json.dumps({"pid": os.getpid(), "status": status}))
"""
CHILDREN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
code = "import os, time; os.setsid(); print(os.getpid(), file=open('/dev/stdout', 'a'), flush=True); time.sleep(600)"
for environment in (None, {}):
    subprocess.Popen([sys.executable, "-c", code], env=environment)
# An orphan: its parent ends at once.
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        print(os.getpid(), flush=True)
        time.sleep(600)
    os._exit(0)
time.sleep(2.5)
"""


def pids(text: str) -> list[int]:
    return [int(word) for word in text.split() if word.isdigit()]


def assert_gone(numbers: list[int]) -> None:
    assert numbers
    for pid in numbers:
        assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


@pytest.mark.parametrize(
    "words",
    [
        ["train.py", "--lr", "3e-4"],
        ["python", "train.py", "--lr", "3e-4"],
        ["python", "-u", "-X", "dev", "train.py", "--lr", "3e-4"],
        ["python", "-m", "pkg.train", "--lr", "3e-4"],
        ["bash", "run.sh"],
        ["./run.sh"],
        ["env", "A=1", "python", "train.py", "--lr", "3e-4"],
    ],
)
def test_commands(work: Path, words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    Path("torch.py").write_text(TORCH)
    script("import sys, torch\ntorch.record()\nprint(sys.argv[1:])\n")
    Path("pkg").mkdir()
    Path("pkg/train.py").write_text(Path("train.py").read_text())
    Path("run.sh").write_text(f"#!/bin/bash\n{sys.executable} train.py --lr 3e-4\n")
    Path("run.sh").chmod(0o755)
    outcome = run(words, Options(timeout=30))
    assert outcome.returncode == 0, outcome.output_tail
    assert outcome.output_tail.strip() == "['--lr', '3e-4']"
    assert [item.status for item in outcome.records] == ["complete"]
    assert outcome.notes == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "no command given"),
        (["missing.py"], "no such file: missing.py"),
        (["python", "missing.py"], "no such file: missing.py"),
        (["./missing"], "no such file: ./missing"),
        (["missing-command"], "no such command: missing-command"),
        (["run.sh"], "run.sh is not executable (bash run.sh?)"),
        (["folder"], "folder is a folder"),
        (["notebook.ipynb"], "nbconvert"),
        (["python", "-I", "train.py"], "python -I isolates"),
        (["python", "-uE", "train.py"], "python -E"),
    ],
)
def test_commands_that_cannot_be_probed(work: Path, words: list[str], message: str) -> None:
    Path("run.sh").touch()
    Path("folder").mkdir()
    Path("train.py").touch()
    with pytest.raises(CommandError) as caught:
        resolve(words, {"PATH": os.environ["PATH"]})
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_bare_script_runs_in_the_active_environment(work: Path) -> None:
    Path("train.py").touch()
    python = work / "venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    assert resolve(["train.py"], {"VIRTUAL_ENV": str(work / "venv")}) == [str(python), "train.py"]
    assert resolve(["train.py"], {}) == [sys.executable, "train.py"]


def test_the_users_own_sitecustomize_runs(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("site").mkdir()
    Path("site/sitecustomize.py").write_text("import builtins\nbuiltins.mine = __file__\n")
    monkeypatch.setenv("PYTHONPATH", str(work / "site"))
    outcome = probed("import builtins, sitecustomize\nprint(mine)\nassert sitecustomize.__file__ == mine\n")
    assert outcome.output_tail.strip() == str(work / "site" / "sitecustomize.py")


def test_only_two_packages_of_the_probe_are_served(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHONPATH")
    # An editable install has the folder on every path, with the probe or without.
    plain = subprocess.run([sys.executable, "-c", "import sys; print(sys.path)"], capture_output=True, check=True)
    Path("plain").write_bytes(plain.stdout)
    probed("""
        import ast, sys
        import convdiag_lint, runtime_probe.record
        root = runtime_probe.__file__.rsplit("/", 2)[0]
        assert root not in sys.path or root in ast.literal_eval(open("plain").read())
    """)


def test_the_tap_enters_when_torch_is_whole_and_not_before(work: Path) -> None:
    Path("torch.py").write_text("import sys\nassert 'runtime_probe.tap' not in sys.modules\n")
    outcome = run(
        [script("import sys\nimport torch\nprint('runtime_probe.tap' in sys.modules)\n")], Options(timeout=30)
    )
    assert outcome.output_tail.strip().splitlines()[-1] == "True"


def test_unreadable_records_are_named(work: Path) -> None:
    Path("torch.py").write_text(TORCH)
    outcome = run(
        [script("import torch\ntorch.record()\n(torch.folder / 'record-1.json').write_text('{')\n")],
        Options(timeout=30),
    )
    assert len(outcome.records) == 1
    assert len(outcome.notes) == 1
    assert "record-1.json" in outcome.notes[0]


def test_progress(work: Path) -> None:
    Path("torch.py").write_text(TORCH)
    seen: list[tuple[str, float]] = []
    command = [script("import torch, time\ntorch.record('running')\ntime.sleep(0.5)\n")]
    run(command, Options(timeout=30), on_progress=lambda text, fraction: seen.append((text, fraction)))
    assert seen[-1][0] == f"{record.BASELINE} 5/10"
    assert 0.3 < seen[-1][1] < 0.5


def test_nothing_is_left_when_the_script_ends(work: Path) -> None:
    outcome = run([script(CHILDREN)], Options(timeout=60))
    assert outcome.returncode == 0
    assert len(pids(outcome.output_tail)) == 3
    assert_gone(pids(outcome.output_tail))


def test_nothing_is_left_when_the_script_crashes(work: Path) -> None:
    outcome = run([script(CHILDREN + "raise RuntimeError('crashed')\n")], Options(timeout=60))
    assert outcome.returncode == 1
    assert "RuntimeError: crashed" in outcome.output_tail
    assert_gone(pids(outcome.output_tail))


def test_nothing_is_left_after_the_time_limit(work: Path) -> None:
    outcome = run([script(CHILDREN + "time.sleep(600)\n")], Options(timeout=3))
    assert outcome.timed_out
    assert outcome.returncode is None
    assert outcome.seconds < 20
    assert_gone(pids(outcome.output_tail))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_nothing_is_left_after_an_interrupt(work: Path, number: int) -> None:
    text = CHILDREN.replace("/dev/stdout", str(work / "pids")) + "time.sleep(600)\n"
    probe = start("--show-output", script(text))
    time.sleep(3)
    below = psutil.Process(probe.pid).children(recursive=True)
    assert len(below) >= 3
    probe.send_signal(number)
    _, errors = probe.communicate(timeout=30)
    assert probe.returncode == 130, errors
    assert b"Traceback" not in errors
    assert_gone([process.pid for process in below])
    assert_gone(pids(errors.decode()))


def test_a_command_that_goes_on_after_its_training_is_ended(work: Path) -> None:
    Path("torch.py").write_text(TORCH)
    script("import torch\ntorch.record()\n")
    Path("run.sh").write_text(f"{sys.executable} train.py\nsleep 600\n")
    outcome = run(["bash", "run.sh"], Options(timeout=100))
    assert outcome.seconds < 20
    assert not outcome.timed_out
    assert len(outcome.records) == 1


def test_the_last_of_each_line_of_a_progress_bar_is_kept(work: Path) -> None:
    assert probed("print('1%\\r2%\\r3%')\nprint('end')\n").output_tail == "3%\nend\n"


def test_a_shell_script_may_set_its_own_path_and_deletes_nothing(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    Path("torch.py").write_text(TORCH)
    script("import os, torch\ntorch.record()\nprint(os.environ['PYTHONPATH'])\n")
    Path("best.pt").write_text("old")
    Path("log.txt").write_text("old")
    Path("below.sh").write_text("rm best.pt")
    Path("run.sh").write_text("""
        set -e
        export PYTHONPATH=src
        rm -rf best.pt
        git push
        python train.py | tee log.txt
        python3 -c 'import os; assert os.system("bash below.sh") == 0'
    """)
    outcome = run(["bash", "run.sh"], Options(timeout=30))
    assert outcome.returncode == 0, outcome.output_tail
    assert outcome.output_tail.strip().endswith(f"{os.pathsep}src")
    assert len(outcome.records) == 1
    assert Path("best.pt").read_text() == Path("log.txt").read_text() == "old"
    assert {"would have run `rm -rf best.pt`", "would have run `git push`", "would have run `tee log.txt`"} <= set(
        outcome.refused
    )
