"""Runs probed programs in forks of a process that has imported torch: a third of a second each, not four.

Modules that are named as arguments are imported as well: frameworks take seconds. Reads one job a line from its input,
`{"script", "arguments", "folder", "run_folder", "timeout", "probe"}`, and answers with `{"seconds", "status"}`. What a
program prints goes to `output` in the run folder. Needs torch.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import json
import os
import runpy
import signal
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    """Answer jobs until the input ends."""
    sys.path.insert(0, str(ROOT))
    import numpy as np  # noqa: F401, PLC0415 - as scripts do
    import torch._dynamo  # noqa: F401, PLC0415 - the first optimizer imports it

    import runtime_probe.tap.install  # noqa: F401, PLC0415

    for name in sys.argv[1:]:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)

    # What the program prints must not stand among the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    for line in sys.stdin:
        job = json.loads(line)
        started = time.monotonic()
        child = os.fork()
        if child == 0:
            _run(job)
        status = _wait(child, job["timeout"])
        print(json.dumps({"seconds": time.monotonic() - started, "status": status}), file=answers, flush=True)


def _wait(child: int, timeout: float) -> int:
    started = time.monotonic()
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() - started > timeout:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return -signal.SIGKILL
        time.sleep(0.005)


def _run(job: dict[str, Any]) -> None:
    """Be the program; never returns."""
    from runtime_probe.options import Options  # noqa: PLC0415
    from runtime_probe.tap.install import install  # noqa: PLC0415

    code = 0
    os.chdir(job["folder"])
    output = os.open(Path(job["run_folder"]) / "output", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(output, 1)
    os.dup2(output, 2)
    sys.argv = [job["script"], *job["arguments"]]
    sys.path.insert(0, str(Path(job["script"]).parent))
    try:
        if job["probe"]:
            install(Options(run_folder=job["run_folder"]))
        runpy.run_path(job["script"], run_name="__main__")
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException as error:  # noqa: BLE001 - as the interpreter would
        code = 1
        sys.excepthook(type(error), error, error.__traceback__)
    finally:
        atexit._run_exitfuncs()
        sys.stdout.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
