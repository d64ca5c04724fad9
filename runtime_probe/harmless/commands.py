"""Commands that the script starts: those that would delete, overwrite or publish are pretended.

A pretended command does nothing and succeeds. What a command that was let through does by itself
cannot be seen from Python, which is why unclear ones are pretended too.
"""

from __future__ import annotations

import functools
import os
from typing import TYPE_CHECKING, Any

from runtime_probe.harmless.inside import inside
from runtime_probe.harmless.shell import effects
from runtime_probe.launch.after_import import when_imported

if TYPE_CHECKING:
    from runtime_probe.harmless.guard import Guard

NOTHING = ["/bin/sh", "-c", ":"]
_SHELLS = {"sh", "bash", "dash", "zsh", "ksh"}


class Judge:
    """Decides for each command whether it may run."""

    def __init__(self, guard: Guard, *, writes: bool) -> None:
        self._guard = guard
        self._writes = writes

    def is_pretended(self, words: Any, *, shell: bool = False, folder: Any = None) -> bool:
        """Whether this command must not run; if it may, what it makes is written down."""
        text = _text(words, shell=shell)
        found = effects(text)
        if found.publishes:
            return self._pretend(found.publishes)
        if self._writes:
            return False
        if found.harms:
            return self._pretend(found.harms)
        base = os.fspath(folder) if folder is not None else None
        for path in found.changes:
            if self._guard.was_there(_join(base, path)):
                return self._pretend(found.of[path])
        for path in found.changes:
            self._guard.note_made(_join(base, path))
        return False

    def _pretend(self, command: str) -> bool:
        shown = command if len(command) <= 100 else command[:97] + "..."
        self._guard.refuse(f"would have run `{shown}`")
        return True


def install(guard: Guard, *, writes: bool) -> None:
    """Look at each command before it starts. With `writes`, only publishing is pretended."""
    judge = Judge(guard, writes=writes)
    when_imported("subprocess", functools.partial(_subprocess, judge))
    system = os.system

    @functools.wraps(system)
    def wrapper(command: Any) -> int:
        return 0 if judge.is_pretended(command, shell=True) else system(command)

    os.system = wrapper
    for name in ("execv", "execve", "posix_spawn", "posix_spawnp"):
        if hasattr(os, name):
            setattr(os, name, _started(judge, getattr(os, name)))


def _started(judge: Judge, original: Any) -> Any:
    @functools.wraps(original)
    def wrapper(path: Any, argv: Any, *args: Any, **kwargs: Any) -> Any:
        if not inside.depth and judge.is_pretended([path, *list(argv)[1:]]):
            path, argv = NOTHING[0], NOTHING
        return original(path, argv, *args, **kwargs)

    return wrapper


def _subprocess(judge: Judge, subprocess: Any) -> None:
    original = subprocess.Popen.__init__

    @functools.wraps(original)
    def __init__(self: Any, args: Any, *rest: Any, **options: Any) -> None:  # noqa: N807
        shell, folder = options.get("shell", False), options.get("cwd")
        if not judge.is_pretended(args, shell=shell, folder=folder):
            original(self, args, *rest, **options)
            return
        original(self, NOTHING, *rest, **{**options, "shell": False, "executable": None})
        self.args = args

    subprocess.Popen.__init__ = __init__


def _text(words: Any, *, shell: bool) -> str | list[str]:
    """Return the text that a shell will read, or the words of a command."""
    if isinstance(words, (str, bytes, os.PathLike)):
        text = os.fsdecode(words)
        return text if shell else [text]
    try:
        made = [os.fsdecode(word) for word in words]
    except TypeError:
        return []  # the original will complain
    if shell:
        return made[0] if made else ""
    if made and os.path.basename(made[0]) in _SHELLS:
        for index, word in enumerate(made[1:-1], 1):
            if word.startswith("-") and not word.startswith("--") and word.endswith("c"):
                return made[index + 1]
    return made


def _join(base: str | None, path: str) -> str:
    path = os.path.expanduser(os.path.expandvars(path))
    return os.path.join(base, path) if base else path
