"""What COMMAND means: the words of a command line to a program that can be started."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PYTHON = re.compile(r"python(\d+(\.\d+)?)?(\.exe)?")
_OPTIONS_WITH_VALUE = {"-W", "-X", "--check-hash-based-pycs"}
_KEEPS_US_OUT = {
    "I": "isolates Python from the probe",
    "E": "makes Python ignore PYTHONPATH, by which the probe enters",
    "S": "keeps Python from loading sitecustomize, by which the probe enters",
}


class CommandError(Exception):
    """The command cannot be started; the message is for the user."""


def resolve(words: Sequence[str], environment: Mapping[str, str] | None = None) -> list[str]:
    """Return the program and its arguments.

    `train.py` is run by the Python of the active virtual environment, otherwise by the one that
    runs the probe. Everything else is found as a shell would, and then beside that Python.

    Raises:
        CommandError: there is no such file or command, or it is run in a way that keeps the probe out.
    """
    environment = os.environ if environment is None else environment
    if not words:
        raise CommandError("no command given: convdiag-probe train.py, convdiag-probe torchrun ...")
    first, *rest = words
    python = interpreter(environment)
    if first.endswith((".py", ".pyw")):
        _must_be_file(first)
        return [python, first, *rest]
    if first.endswith(".ipynb"):
        raise CommandError(f"{first} is a notebook: make a script of it (jupyter nbconvert --to script {first})")
    program = shutil.which(first, path=environment.get("PATH", os.defpath)) or shutil.which(
        first, path=str(Path(python).parent)
    )
    if program is None:
        raise CommandError(_not_found(first))
    if _PYTHON.fullmatch(Path(program).name):
        _check_python(rest)
    return [program, *rest]


def interpreter(environment: Mapping[str, str]) -> str:
    """Return the Python that runs a bare script."""
    active = environment.get("VIRTUAL_ENV")
    if active:
        for python in (Path(active) / "bin" / "python", Path(active) / "Scripts" / "python.exe"):
            if python.exists():
                return str(python)
    return sys.executable


def _not_found(first: str) -> str:
    path = Path(first)
    if path.is_dir():
        return f"{first} is a folder: name the script in it"
    if path.is_file():
        shell = f" (bash {first}?)" if path.suffix == ".sh" else ""
        return f"{first} is not executable{shell}"
    return f"no such file: {first}" if os.sep in first else f"no such command: {first}"


def _must_be_file(script: str) -> None:
    path = Path(script)
    if path.is_dir():
        if not (path / "__main__.py").exists():
            raise CommandError(f"{script} is a folder without __main__.py")
    elif not path.exists():
        raise CommandError(f"no such file: {script}")


def _check_python(arguments: Sequence[str]) -> None:
    """Look at the options of `python ...`: does it let us in, and is its script there?"""
    words = iter(arguments)
    for word in words:
        if word in _OPTIONS_WITH_VALUE:
            next(words, None)
        elif word == "-" or not word.startswith("-"):
            if word != "-":
                _must_be_file(word)
            return
        elif not word.startswith("--"):
            letters = re.split("[cmWX]", word[1:], maxsplit=1)[0]
            for letter, why in _KEEPS_US_OUT.items():
                if letter in letters:
                    raise CommandError(f"python -{letter} {why}: leave it out for the probe")
            if set(word[1:]) & {"c", "m"} and len(letters) < len(word) - 1 and word[1 + len(letters)] in "cm":
                return
