"""Runs the command with the tap inside, watches the clock, and leaves nothing behind."""

from __future__ import annotations

import dataclasses
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from runtime_probe.harmless import cleanup
from runtime_probe.harmless import install as _install  # noqa: F401 - leaves its bytecode for the processes below
from runtime_probe.launch import child as _child  # noqa: F401
from runtime_probe.launch import environment, processes, progress, trouble
from runtime_probe.launch.command import CommandError, resolve
from runtime_probe.record import files as record_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from runtime_probe.options import Options
    from runtime_probe.record import Record

POLL = 0.1
LOOK = 1.0
"""Seconds between looks at who is below."""
TAIL = 64 * 1024
"""Bytes of output that are kept."""
LINGER = 3.0
"""Seconds that the command may go on after its last probed process has ended."""
STRAGGLE = 20.0
"""Seconds that a rank may take after another one has finished: it may wait for that one forever."""


@dataclass(slots=True)
class Outcome:
    """How a probed command ended, and what it left."""

    records: list[Record] = field(default_factory=list)
    """One for each process that trained."""
    returncode: int | None = None
    """Exit status of the command; None if it was ended by the probe, negative for a signal."""
    timed_out: bool = False
    interrupted: bool = False
    output_tail: str = ""
    """The last 64 KiB of what it printed."""
    created: list[str] = field(default_factory=list)
    """Files it made, which were removed."""
    refused: list[str] = field(default_factory=list)
    """What it was kept from doing, one line each."""
    notes: list[str] = field(default_factory=list)
    """What went wrong in the probe itself."""
    seconds: float = 0.0


def run(
    command: Sequence[str],
    options: Options,
    *,
    show_output: bool = False,
    on_progress: Callable[[str, float], None] | None = None,
) -> Outcome:
    """Run a command with the tap in every Python process below it.

    Args:
        command: its words, as in `resolve`.
        options: `run_folder` is made here.
        show_output: pass on to stderr what the command prints, as it comes.
        on_progress: is told what happens and the fraction that is done.

    Raises:
        CommandError: the command cannot be started.
    """
    words = resolve(command)
    # realpath: the processes below compare paths with it.
    folder = Path(tempfile.mkdtemp(prefix="convdiag-probe-")).resolve()
    try:
        return _Run(folder, dataclasses.replace(options, run_folder=str(folder))).run(words, show_output, on_progress)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _Run:
    def __init__(self, folder: Path, options: Options) -> None:
        self.folder = folder
        self.options = options
        self.outcome = Outcome()
        self._first_end: float | None = None
        self._last_end: float | None = None
        self._statuses: dict[Path, tuple[float, str]] = {}

    def run(self, words: list[str], show: bool, on_progress: Callable[[str, float], None] | None) -> Outcome:
        output = self.folder / "output"
        cleanup.begin(self.folder)
        started = time.monotonic()
        with output.open("ab") as sink, output.open("rb") as source, _terminated_as_interrupt():
            try:
                process = subprocess.Popen(  # noqa: S603 - the user's own command
                    words,
                    stdout=sink,
                    stderr=subprocess.STDOUT,
                    env=environment.make(self.options),
                    start_new_session=True,
                )
            except OSError as error:
                raise CommandError(f"{words[0]} cannot be started: {error.strerror}") from None
            family = processes.Family(process.pid, str(self.folder))
            try:
                self._watch(process, family, started, source if show else None, on_progress)
            except KeyboardInterrupt:
                self.outcome.interrupted = True
            finally:
                with _no_interrupt():
                    self.outcome.returncode = process.poll()
                    family.end()
                    process.wait()
                    if show:
                        _pass_on(source)
                    self._collect(output)
        self.outcome.seconds = time.monotonic() - started
        return self.outcome

    def _watch(
        self,
        process: subprocess.Popen[bytes],
        family: processes.Family,
        started: float,
        source: BinaryIO | None,
        on_progress: Callable[[str, float], None] | None,
    ) -> None:
        looked = 0.0
        while True:
            try:
                process.wait(POLL)
            except subprocess.TimeoutExpired:
                pass
            else:
                return
            now = time.monotonic()
            if source is not None:
                _pass_on(source)
            if on_progress is not None:
                on_progress(*progress.read(self.folder))
            if now - looked >= LOOK:
                family.look()
                looked = now
                if self._finished(now):
                    return
            if now - started >= self.options.timeout:
                self.outcome.timed_out = True
                return

    def _finished(self, now: float) -> bool:
        """Whether the probe has what it wants, and the command goes on without it (`bash run.sh`)."""
        if self.options.keep_going:
            return False
        statuses = {path: self._status(path) for path in self.folder.glob("record-*.json")}
        complete = {int(path.stem.rpartition("-")[2]) for path, status in statuses.items() if status == "complete"}
        if not complete or any(processes.exists(pid) for pid in complete):
            self._first_end = self._last_end = None
            return False
        self._first_end = self._first_end or now
        if any(processes.exists(pid) for pid in progress.processes(self.folder) - complete):
            self._last_end = None
            return now - self._first_end >= STRAGGLE
        self._last_end = self._last_end or now
        return now - self._last_end >= LINGER

    def _status(self, path: Path) -> str:
        try:
            changed = path.stat().st_mtime
            if self._statuses.get(path, (0.0, ""))[0] != changed:
                self._statuses[path] = (changed, record_files.read(path).status)
        except (OSError, ValueError, TypeError, KeyError):
            return ""
        return self._statuses[path][1]

    def _collect(self, output: Path) -> None:
        for path in sorted(self.folder.glob("record-*.json")):
            try:
                self.outcome.records.append(record_files.read(path))
            except (OSError, ValueError, TypeError, KeyError) as error:
                self.outcome.notes.append(f"{path.name} cannot be read: {error}")
        self.outcome.records.sort(key=lambda item: (item.rank, item.pid))
        self.outcome.notes += trouble.read(self.folder)
        left = cleanup.clean(self.folder)
        self.outcome.created, self.outcome.refused = left.created, left.refused
        self.outcome.notes += left.notes
        self.outcome.output_tail = _tail(output)


def _tail(output: Path) -> str:
    with output.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - TAIL))
        text = file.read().decode("utf-8", errors="replace")
    # A progress bar rewrites its line: what stands there at last counts.
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))


def _pass_on(source: BinaryIO) -> None:
    text = source.read()
    if text:
        sys.stderr.buffer.write(text)
        sys.stderr.flush()


@contextmanager
def _terminated_as_interrupt() -> Iterator[None]:
    """End what runs below also when the probe itself is asked to end, or its terminal closes."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are the main thread's
        return
    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    # What is ignored stays ignored: nohup.
    numbers = [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]
    before = [(number, signal.signal(number, signal.default_int_handler)) for number in numbers]
    # A shell starts background jobs with SIGINT ignored, and Python keeps that.
    before.append((signal.SIGINT, signal.signal(signal.SIGINT, signal.default_int_handler)))
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)


@contextmanager
def _no_interrupt() -> Iterator[None]:
    """Clean up to the end: a second Ctrl-C must not leave half of it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = [(number, signal.signal(number, signal.SIG_IGN)) for number in numbers]
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)
