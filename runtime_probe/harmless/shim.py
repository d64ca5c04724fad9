"""`python -m runtime_probe.harmless.shim NAME FOLDER ARGUMENTS`: a command of a shell script, looked at first."""

from __future__ import annotations

import os
import sys

from runtime_probe.harmless.commands import Judge
from runtime_probe.harmless.guard import Guard
from runtime_probe.options import VARIABLE, from_environment


def main() -> None:
    """Become the command, or nothing at all."""
    name, folder, *arguments = sys.argv[1:]
    options = from_environment()
    if options is not None and os.path.isdir(options.run_folder):
        judge = Judge(Guard(options.run_folder), writes=options.allow_writes)
        if judge.is_pretended([name, *arguments]):
            if name != "tee":
                return
            name, arguments = "cat", []  # the one before it in the pipe must be heard to its end
    _become(name, folder, arguments)


def _become(name: str, folder: str, arguments: list[str]) -> None:
    environment = dict(os.environ)
    environment["PYTHONPATH"] = environment.pop(f"{VARIABLE}_PYTHONPATH", "")
    for place in environment.get("PATH", os.defpath).split(os.pathsep):
        program = os.path.join(place, name)
        if place != folder and os.access(program, os.X_OK) and not os.path.isdir(program):
            os.execve(program, [name, *arguments], environment)  # noqa: S606 - the user's own command
    sys.stderr.write(f"{name}: command not found\n")
    sys.exit(127)


if __name__ == "__main__":
    main()
