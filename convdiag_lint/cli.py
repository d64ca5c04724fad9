"""The command `convdiag-lint`."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from convdiag_lint import __version__
from convdiag_lint.settings import Settings, SettingsError, check_codes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convdiag_lint.engine import Report
    from convdiag_lint.rules.base import Rule

CLEAN, FINDINGS, ERROR = 0, 1, 2

DESCRIPTION = """\
Reads PyTorch training code, without running or importing it, and points at what keeps
training from converging: unclipped gradients, a loss that is never checked for NaN, fp16
without a scaler or a way out, inputs that nobody normalizes, statistics that are lost before
inference, a flow-matching time that reaches its ends.
"""

EXAMPLES = """\
examples:
  convdiag-lint check .                       check a project
  convdiag-lint check train.py --verbose      show what each finding rests on
  convdiag-lint check . --select CVG1,CVG401  some rules only
  git show :train.py | convdiag-lint check - --stdin-display-name train.py
  convdiag-lint explain CVG401                what a rule looks for, why, and the fix
"""

CHECK = """\
Check files, and the Python files below folders. A step, a loss or a data set is followed
into other files of the project, so the files that you do not name are still read.
"""

AFTER_CHECK = """\
A comment `# noqa: CVG101` silences a line, as in flake8. Settings are read from
[tool.convdiag] in the nearest pyproject.toml: select, ignore, exclude, per-file-ignores,
show-unsure. NO_COLOR switches colour off; CONVDIAG_CACHE_DIR says where findings are kept
between runs.

exit status:
  0  nothing found (or --exit-zero)
  1  findings
  2  wrong usage, or a file that could not be read; the other files are still checked
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    parser = _parser()
    options = parser.parse_args(argv)
    try:
        status: int = options.run(options)
        sys.stdout.flush()
    except SettingsError as error:
        print(f"convdiag-lint: {error}", file=sys.stderr)
        return ERROR
    except BrokenPipeError:
        # The reader has seen enough (`| head`); Python would complain once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ERROR
    except KeyboardInterrupt:
        return 130
    return status


def _parser() -> argparse.ArgumentParser:
    formatter = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="convdiag-lint", description=DESCRIPTION, epilog=EXAMPLES, formatter_class=formatter
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    check = commands.add_parser(
        "check",
        help="check files and folders",
        description=CHECK,
        epilog=AFTER_CHECK,
        formatter_class=formatter,
    )
    check.set_defaults(run=_check)
    _add_check_options(check)

    explain = commands.add_parser(
        "explain",
        help="say what a rule looks for, why, and what to do",
        description=_explain.__doc__,
    )
    explain.add_argument("code", metavar="CODE", help="such as CVG401")
    explain.set_defaults(run=_explain)

    rules = commands.add_parser("rules", help="list all rules", description=_rules.__doc__)
    rules.set_defaults(run=_rules)
    return parser


def _add_check_options(check: argparse.ArgumentParser) -> None:
    check.add_argument("paths", nargs="+", metavar="PATH", help="a file, a folder, or - for standard input")
    which = check.add_argument_group("what to report")
    which.add_argument(
        "--select",
        type=_codes,
        action="extend",
        default=[],
        metavar="CODES",
        help="only these rules; codes or their beginnings, separated by commas (CVG1,CVG401)",
    )
    which.add_argument(
        "--ignore",
        type=_codes,
        action="extend",
        default=[],
        metavar="CODES",
        help="not these rules; the longer of two matching codes decides",
    )
    which.add_argument(
        "--show-unsure",
        action="store_true",
        help="also report what may be wrong but could not be followed to the end",
    )
    files = check.add_argument_group("which files")
    files.add_argument(
        "--exclude",
        type=_words,
        action="extend",
        default=[],
        metavar="PATTERNS",
        help="names or paths to leave out when walking folders, with wildcards (tests,old/*.py); "
        "what git ignores, environments and build folders are left out anyway, and a file that "
        "is named is always checked",
    )
    files.add_argument(
        "--stdin-display-name",
        metavar="PATH",
        default="stdin",
        help="where the text on standard input belongs, so that its neighbours are found",
    )
    output = check.add_argument_group("output")
    output.add_argument("--format", choices=("text", "json"), default="text", help="default: %(default)s")
    output.add_argument("--verbose", action="store_true", help="show the evidence of each finding (text)")
    output.add_argument("--statistics", action="store_true", help="count findings by rule")
    output.add_argument("--exit-zero", action="store_true", help="exit 0 even with findings")
    running = check.add_argument_group("running")
    running.add_argument(
        "-j",
        "--jobs",
        type=_jobs,
        default=1,
        metavar="N",
        help="processes; 0 is one for each core (default: %(default)s)",
    )
    running.add_argument("--no-cache", action="store_true", help="neither use nor keep findings of earlier runs")


def _words(text: str) -> list[str]:
    return [word for word in text.replace(",", " ").split() if word]


def _codes(text: str) -> list[str]:
    words = _words(text)
    try:
        check_codes(tuple(words))
    except SettingsError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return words


def _jobs(text: str) -> int:
    jobs = int(text)
    if jobs < 0:
        raise ValueError
    return jobs or os.cpu_count() or 1


def _check(options: argparse.Namespace) -> int:
    from convdiag_lint import engine  # noqa: PLC0415 - the other commands need none of this
    from convdiag_lint.cache import Cache  # noqa: PLC0415
    from convdiag_lint.discovery import find  # noqa: PLC0415
    from convdiag_lint.garbage import uncollected  # noqa: PLC0415
    from convdiag_lint.validity import Problem  # noqa: PLC0415

    def adjust(settings: Settings) -> Settings:
        return settings.override(tuple(options.select), tuple(options.ignore), show_unsure=options.show_unsure)

    stdin = None
    paths = [path for path in options.paths if path != "-"]
    if len(paths) < len(options.paths):
        stdin = (options.stdin_display_name, sys.stdin.buffer.read())
    found = find(paths, tuple(options.exclude))
    files = [*found.files]
    if stdin and stdin[0] not in files:
        files.insert(0, stdin[0])
    unread = [engine.Report(path, problem=Problem(f"cannot be read: {why}")) for path, why in found.problems]
    cached = not (options.no_cache or os.environ.get("CONVDIAG_NO_CACHE"))
    with uncollected(forever=True):
        reports = unread + engine.check(
            files,
            cache=Cache() if cached else None,
            jobs=options.jobs,
            adjust=adjust,
            stdin=stdin,
        )
    if not reports:
        print("convdiag-lint: no Python files there", file=sys.stderr)
    _print(reports, options)
    if any(report.problem for report in reports):
        return ERROR
    return FINDINGS if any(r.findings for r in reports) and not options.exit_zero else CLEAN


def _print(reports: Sequence[Report], options: argparse.Namespace) -> None:
    from convdiag_lint.output import text  # noqa: PLC0415

    for stream in (sys.stdout, sys.stderr):
        # A terminal that lacks a letter gets an escape, not a traceback.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    for report in reports:
        if report.problem:
            print(text.problem(report), file=sys.stderr)
    if options.format == "json":
        from convdiag_lint.output import json_  # noqa: PLC0415

        print(json_.render(reports))
    else:
        colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        for line in text.render(reports, text.Style(colour=colour), verbose=options.verbose):
            print(line)
    if options.statistics:
        where = sys.stderr if options.format == "json" else sys.stdout
        for line in text.statistics(reports):
            print(line, file=where)


def _explain(options: argparse.Namespace) -> int:
    """Say what a rule looks for, why that is bad, and what to write instead."""
    from convdiag_lint.output.explain import page  # noqa: PLC0415

    for rule in _all_rules():
        if rule.code == options.code.upper():
            print(page(rule), end="")
            return CLEAN
    print(
        f"convdiag-lint: no rule {options.code!r}; `convdiag-lint rules` lists them",
        file=sys.stderr,
    )
    return ERROR


def _rules(options: argparse.Namespace) -> int:
    """List all rules: code, name, what is flagged."""
    widest = max((len(rule.name) for rule in _all_rules()), default=0)
    for rule in _all_rules():
        print(f"{rule.code}  {rule.name:{widest}}  {rule.summary}")
    return CLEAN


def _all_rules() -> tuple[Rule, ...]:
    from convdiag_lint.rules import ALL  # noqa: PLC0415

    return ALL
