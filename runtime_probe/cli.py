"""The command `convdiag-probe`."""

from __future__ import annotations

import argparse
import dataclasses
import math
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from runtime_probe import __version__
from runtime_probe.options import Options

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from runtime_probe.launch.run import Outcome
    from runtime_probe.report import Report

ERROR, INTERRUPTED = 2, 130

DESCRIPTION = """\
Put it before the command that launches your training. The script runs as it is, for ten
steps on one batch of four, and a checklist says what would keep it from converging.

  convdiag-probe train.py --lr 3e-4
  convdiag-probe python -m pkg.train --config small.yaml
  convdiag-probe torchrun --nproc-per-node 2 train.py
  convdiag-probe accelerate launch train.py
  convdiag-probe bash run.sh && sbatch job.sh

Options of the probe come before the command; all after its first word belongs to the command.
"""

EPILOG = """\
Files that exist are not overwritten or deleted: the script sees its own changes, the disk
does not. Files that it makes are removed at the end and listed; downloads into your caches
stay. W&B, MLflow, TensorBoard and pushes to a hub are off. Whatever the command started
ends with the probe.

exit status:
  0    healthy (warnings may remain)
  1    a check failed
  2    could not judge: wrong usage, the script crashed or never trained; the reason is named
  130  Ctrl-C
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    command = arguments.command[1:] if arguments.command[:1] == ["--"] else arguments.command
    if arguments.model or arguments.loss or arguments.batch:
        command = _without_loop(parser, command, arguments)
    elif not command:
        parser.error("no command given, such as: convdiag-probe train.py --lr 3e-4")
    if command[0].startswith("-"):
        parser.error(f"unknown option {command[0]} (options of your script come after its name)")
    try:
        return _probe(command, arguments)
    except UsageError as error:
        print(f"convdiag-probe: {error}", file=sys.stderr)
        return ERROR
    except BrokenPipeError:
        # The reader has seen enough (`| head`); Python would complain once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ERROR
    except KeyboardInterrupt:
        return INTERRUPTED


class UsageError(Exception):
    """Something that the user can put right; the message says what."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Say it in one line."""
        self.exit(ERROR, f"{self.prog}: {message}; see {self.prog} --help\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="convdiag-probe",
        usage="convdiag-probe [options] COMMAND...",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    defaults = Options()
    what = parser.add_argument_group("what to run")
    what.add_argument("--steps", type=_count, default=defaults.steps, metavar="N", help="steps (default: %(default)s)")
    what.add_argument(
        "--batch-size",
        type=_count,
        default=defaults.batch_size,
        metavar="N",
        help="size that the batch is cut to (default: %(default)s)",
    )
    what.add_argument(
        "--timeout",
        type=_seconds,
        default=defaults.timeout,
        metavar="SECONDS",
        help="end the command after this long, also if it never stepped (default: %(default)g)",
    )
    what.add_argument(
        "--phases",
        choices=("auto", "none", "all"),
        default=defaults.phases,
        help="ten more steps each with one thing changed: what the first ten call for, none, or all"
        " (default: %(default)s)",
    )
    what.add_argument(
        "--keep-going", action="store_true", help="let the script run to its own end after the last probed step"
    )
    what.add_argument(
        "--allow-writes",
        action="store_true",
        help="let the script write, overwrite and delete files as it likes; trackers stay off",
    )
    door = parser.add_argument_group("a file with a model and a loss but no loop (instead of COMMAND)")
    door.add_argument("--model", metavar="FILE.py[:NAME]", help="a class, a function that makes a model, or a model")
    door.add_argument("--loss", metavar="FILE.py[:NAME]", help="a loss function, or a name such as mse_loss")
    door.add_argument("--batch", metavar="FILE.pt", help="a batch saved by torch.save (default: made up)")
    output = parser.add_argument_group("output")
    output.add_argument(
        "--json", type=Path, metavar="FILE", help="also write the report there; the file must not exist yet"
    )
    output.add_argument(
        "--html",
        type=Path,
        metavar="FILE",
        help="also write the report as one page for a browser, with curves; the file must not exist yet",
    )
    output.add_argument("--show-output", action="store_true", help="show what the script prints, as it comes (stderr)")
    output.add_argument("--verbose", action="store_true", help="show each line of the checklist")
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="COMMAND", help=argparse.SUPPRESS)
    return parser


def _without_loop(parser: argparse.ArgumentParser, command: list[str], arguments: argparse.Namespace) -> list[str]:
    from runtime_probe.doors.no_loop import plan, proposing  # noqa: PLC0415 - few need it

    model, loss, batch = (getattr(arguments, name) or "" for name in ("model", "loss", "batch"))
    if command or not (model or loss):
        parser.error("--model and --loss stand in place of a command; --batch goes with them")
    try:
        return proposing.command(model, loss, batch, arguments.batch_size)
    except plan.DoorError as error:
        parser.error(str(error))


def _count(text: str) -> int:
    number = int(text) if text.isdecimal() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 up")
    return number


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not (seconds > 0 and math.isfinite(seconds)):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds")
    return seconds


def _probe(command: Sequence[str], arguments: argparse.Namespace) -> int:
    try:
        import rich.console  # noqa: F401, PLC0415 - --help and wrong usage need none of this

        from runtime_probe.launch.command import CommandError  # noqa: PLC0415
        from runtime_probe.launch.run import run  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise UsageError(f"{error.name} is not installed: pip install 'convdiag-lint[probe]'") from None

    _check_files({"--json": arguments.json, "--html": arguments.html})
    options = Options(
        steps=arguments.steps,
        batch_size=arguments.batch_size,
        timeout=arguments.timeout,
        keep_going=arguments.keep_going,
        phases=arguments.phases,
        allow_writes=arguments.allow_writes,
    )
    try:
        outcome = _with_progress(
            lambda on_progress: run(command, options, show_output=arguments.show_output, on_progress=on_progress),
            quiet=arguments.show_output,
        )
    except CommandError as error:
        raise UsageError(str(error)) from None
    if outcome.interrupted:
        print("convdiag-probe: interrupted; everything it started has ended", file=sys.stderr)
        return INTERRUPTED
    _tell(outcome)
    from runtime_probe import report  # noqa: PLC0415 - not before there is something to judge
    from runtime_probe.doors.no_loop import proposing  # noqa: PLC0415

    judged = report.judge(
        outcome.records,
        output_tail=outcome.output_tail,
        timed_out=outcome.timed_out,
        exit_status=outcome.returncode,
    )
    proposing.explain(judged, command)
    _print(judged, arguments)
    return judged.exit_status


def _check_files(given: dict[str, Path | None]) -> None:
    """The reports must find their places before the script has run for a minute."""
    seen: set[Path] = set()
    for option, path in given.items():
        if path is None:
            continue
        if path.exists() or path.is_symlink():
            raise UsageError(f"{path} exists, and the probe overwrites nothing: choose another name for {option}")
        if not path.absolute().parent.is_dir():
            raise UsageError(f"no such folder: {path.parent}")
        if not os.access(path.absolute().parent, os.W_OK):
            raise UsageError(f"cannot write to {path.parent}")
        if path.absolute() in seen:
            raise UsageError(f"{path} cannot hold two reports: choose another name for {option}")
        seen.add(path.absolute())


def _with_progress(run: Callable[[Callable[[str, float], None] | None], Outcome], *, quiet: bool) -> Outcome:
    """Run with a bar, where there is a terminal to draw it on."""
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        return run(None)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("starting the script", total=1.0)
        return run(lambda text, fraction: bar.update(task, description=text, completed=fraction))


def _tell(outcome: Outcome) -> None:
    """Give the records what only the launcher knows, and say what is amiss with the probe itself."""
    for index, record in enumerate(outcome.records):
        outcome.records[index] = dataclasses.replace(record, refused=outcome.refused, created=outcome.created)
    for note in outcome.notes:
        # The last line of a traceback is the error.
        print(f"convdiag-probe: {note if os.environ.get('CONVDIAG_DEBUG') else note.splitlines()[-1]}", file=sys.stderr)
    if not outcome.records and "No module named 'torch'" in outcome.output_tail:
        print(
            "convdiag-probe: the Python of this command has no torch: pip install 'convdiag-lint[probe]' there",
            file=sys.stderr,
        )


def _print(judged: Report, arguments: argparse.Namespace) -> None:
    from rich.console import Console  # noqa: PLC0415

    from runtime_probe.output import files, html, json_, terminal  # noqa: PLC0415

    for stream in (sys.stdout, sys.stderr):
        # A terminal that lacks a letter gets an escape, not a traceback.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    for path, render in ((arguments.json, json_.render), (arguments.html, html.render)):
        if path is None:
            continue
        try:
            files.write_new(path, render(judged) + "\n")
        except OSError as error:
            print(f"convdiag-probe: {path} cannot be written: {error.strerror}", file=sys.stderr)
    terminal.render(judged, Console(highlight=False), verbose=arguments.verbose)
