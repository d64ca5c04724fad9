"""Runs programs with one peer's calls in them, in forks of a process that has imported torch and the peer.

`peer_zygote.py PEER`: first answers `{"version"}` or `{"missing"}`; then reads one job a line, `{"script",
"arguments", "answer", "steps", "targets", "timeout"}`, and answers `{"seconds", "status"}`. What was said stands in
the file `answer`. Needs torch and the peer; nothing of this project's.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import os
import runpy
import signal
import sys
import time
from pathlib import Path
from typing import Any

ADAPTERS = {
    "none": "base.Adapter",
    "torch-anomaly": "anomaly.TorchAnomaly",
    "torch-audit": "torch_audit_.TorchAudit",
    "torchdiag": "torchdiag_.Torchdiag",
    "traintools": "traintools_.Traintools",
    "lightning-anomaly": "lightning_.LightningAnomaly",
    "lightning-overfit": "lightning_.LightningOverfit",
}


def main() -> None:
    """Answer jobs until the input ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    module, name = ADAPTERS[sys.argv[1]].split(".")
    try:
        import torch._dynamo  # noqa: F401, PLC0415 - the first optimizer imports it

        adapter: Any = getattr(importlib.import_module(f"peer_adapters.{module}"), name)
        adapter.load()
        version = importlib.metadata.version(adapter.distribution or "torch")
    except Exception as error:  # noqa: BLE001 - it is the answer
        print(json.dumps({"missing": f"{type(error).__name__}: {error}"}), file=answers, flush=True)
        return
    print(json.dumps({"version": version}), file=answers, flush=True)
    for line in sys.stdin:
        job = json.loads(line)
        started = time.monotonic()
        child = os.fork()
        if child == 0:
            _run(job, adapter)
        status = _wait(child, job["timeout"])
        print(json.dumps({"seconds": time.monotonic() - started, "status": status}), file=answers, flush=True)


def _wait(child: int, timeout: float) -> int:
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return -signal.SIGKILL


def _run(job: dict[str, Any], kind: Any) -> None:
    """Be the program; never returns."""
    from peer_adapters.base import EnoughSteps  # noqa: PLC0415

    script = Path(job["script"])
    os.chdir(script.parent)
    output = os.open(os.devnull, os.O_WRONLY)
    os.dup2(output, 1)
    os.dup2(output, 2)
    sys.argv = [job["script"], *job["arguments"]]
    peer = kind(job["steps"], job["targets"])
    trouble = ""
    try:
        runpy.run_path(job["script"], init_globals={"PEER": peer}, run_name="__main__")
    except (SystemExit, EnoughSteps):
        pass
    except BaseException as error:  # noqa: BLE001 - what the user of the program sees
        peer.say(f"{type(error).__name__}: {error}", "stopped")
    try:
        peer.finish()
    except Exception as error:  # noqa: BLE001 - a defect of the peer or of its adapter
        trouble = f"{type(error).__name__}: {error}"
    Path(job["answer"]).write_text(json.dumps({"said": peer.said, "trouble": trouble}), encoding="utf-8")
    os._exit(0)


if __name__ == "__main__":
    main()
