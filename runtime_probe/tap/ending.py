"""The end of a probed process: what it observed is written down, and the script is stopped."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from runtime_probe import record as records
from runtime_probe.record import Crash, Where
from runtime_probe.record import files as record_files
from runtime_probe.tap import alike, cuts, filled, leakage, places, positions

if TYPE_CHECKING:
    from types import FrameType, TracebackType

    from runtime_probe.tap.session import Session

_lock = threading.RLock()


class Ending:
    """Writes the record once, however the process comes to its end."""

    def __init__(self) -> None:
        self.session: Session | None = None
        self.done = False

    def install(self, session: Session) -> None:
        """Be told of normal exit, of an exception that nobody catches, and of SIGTERM."""
        self.session = session
        atexit.register(self._at_exit)
        previous = sys.excepthook

        def excepthook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> Any:
            self.note_crash(error)
            return previous(kind, error, trace)

        sys.excepthook = excepthook
        if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, self._terminated)
        os.register_at_fork(after_in_child=self._forked)

    def note_crash(self, error: BaseException) -> None:
        """Remember an exception that ends the script."""
        session = self.session
        if session is None or self.done or not session.active or isinstance(error, (SystemExit, KeyboardInterrupt)):
            return
        note_crash(session, error)

    def finish(self, status: str) -> None:
        """Write the record and, unless the script shall go on, end the process here.

        The process ends at once and without cleaning up: an exception would have to get past every bare
        `except` between here and the top, and exit handlers of trackers and loaders take their time.
        """
        session = self.session
        assert session is not None
        with _lock:
            if self.done:
                return
            conclude(session, status)
            self.write()
            self.done = True
        session.calls.remove()
        if not session.options.keep_going:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(0)

    def write(self) -> None:
        """Write what is known now."""
        session = self.session
        assert session is not None
        folder = Path(session.options.run_folder)
        if folder.is_dir():
            record_files.write(session.record, folder / f"record-{session.record.pid}.json")

    def _at_exit(self) -> None:
        if self.session is not None and not self.done and self.session.active:
            self.session.active = False
            describe(self.session, "ended")
            self.write()
            self.done = True

    def _terminated(self, number: int, frame: FrameType | None) -> None:
        self._at_exit()
        os._exit(128 + number)

    def _forked(self) -> None:
        """A worker of a DataLoader, or any other child: it trains nothing."""
        self.done = True
        if self.session is not None:
            self.session.active = self.session.watching = False


def note_crash(session: Session, error: BaseException) -> None:
    """Put into the record an exception that ends what is probed."""
    if session.course.phase not in (records.WARM_UP, records.BASELINE):
        # The ten steps are done; what was tried afterwards may be more than the script can take.
        session.record.notes.append(
            f"the script stopped during '{session.course.phase}': {type(error).__name__}: {error}"
        )
        session.record.status = "complete"
        with session.looking("ending what was tried"):
            session.experiments.close()
        _ask_models(session)
        return
    where = Where()
    for frame in traceback.extract_tb(error.__traceback__):
        if places.is_user(frame.filename):
            where = Where(os.path.abspath(frame.filename), frame.lineno or 0, frame.name)
    told = traceback.TracebackException.from_exception(error)
    # The probe's own wrappers stand between the script and Python, and have nothing to do with the crash.
    told.stack = traceback.StackSummary.from_list([f for f in told.stack if not places.is_probe(f.filename)])
    text = "".join(told.format())
    origin = session.watch.origin(certain=True)
    if origin is not None:
        # Losses and distributions refuse what is not finite.
        session.record.nonfinite.append(origin)
    session.record.crash = Crash(type(error).__name__, str(error)[:2000], text[-8000:], where)
    session.record.status = "crashed"


def conclude(session: Session, status: str) -> None:
    """The last step is done: stop looking, and ask the model what needs no training."""
    session.active = session.watching = False
    _ask_models(session)
    describe(session, status)


def _ask_models(session: Session) -> None:
    """With the weights after the ten steps, where these are known: what does an output depend on?"""
    active, session.active = session.active, False
    try:
        if session.experiments.snapshot is not None:
            with session.looking("going back to the weights after the ten steps"):
                session.experiments.snapshot.put_back()
        experiments = session.record.experiments
        experiments.leakage, experiments.alike = leakage.look(session), alike.look(session)
        experiments.filled = filled.look(session)
        experiments.cuts, experiments.orders = cuts.look(session), positions.look(session)
    finally:
        session.active = active


def describe(session: Session, status: str) -> None:
    """Bring the record up to what is known now."""
    record = session.record
    if record.status == "running":
        record.status = status
    record.seconds = time.monotonic() - session.started
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        # Not every launcher says it in the environment before the script starts.
        record.rank, record.world_size = torch.distributed.get_rank(), torch.distributed.get_world_size()
    with session.looking("describing the model"):
        if session.course.phase == records.WARM_UP and not session.ledger.roots:
            session.experiments.begin()
        session.ledger.describe()
        record.files = places.files()


def write_progress(session: Session) -> None:
    """One line that the probe above reads while the script runs."""
    folder = session.options.run_folder
    if folder:
        text = f"{session.course.phase}\t{session.course.in_phase}\t{session.options.steps}\n"
        try:
            Path(folder, f"progress-{session.record.pid}").write_text(text, encoding="utf-8")
        except OSError:
            return
