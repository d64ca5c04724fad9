"""What a command line would do to files and to the world, as far as its words tell."""

from __future__ import annotations

import itertools
import os
from dataclasses import dataclass, field

_ENDS = {";", "&&", "||", "|", "&", "|&", "(", ")", "\n", "{", "}", "then", "do", "else", "!"}
_BEFORE = {"sudo", "env", "nohup", "time", "exec", "command", "nice", "ionice", "xargs", "stdbuf", "if", "while"}
_INTO = {">", ">>", ">|", "&>", "&>>", ">&"}

# All operands are deleted or changed.
_CHANGES_ALL = {"rm", "unlink", "shred", "srm", "truncate", "rmdir", "tee", "mv"}
# The last operand is.
_CHANGES_LAST = {"cp", "install", "ln"}
_HARMS = {"rsync", "rclone", "dd", "mkfs", "killall", "pkill", "shutdown", "reboot"}
_PUBLISHES = {"scp", "sftp", "twine", "sbatch", "scancel", "qsub", "bsub", "azcopy"}
_PUBLISHES_BY_WORD = {
    "aws": {"cp", "mv", "rm", "sync", "rb", "mb"},
    "s5cmd": {"cp", "mv", "rm", "sync"},
    "gsutil": {"cp", "mv", "rm", "rsync", "rb", "mb"},
    "gcloud": {"cp", "mv", "rm", "rsync"},
    "huggingface-cli": {"upload", "upload-large-folder", "delete", "delete-files", "create", "repo", "tag"},
    "hf": {"upload", "upload-large-folder", "delete", "delete-files", "create", "repo", "tag"},
    "wandb": {"sync", "artifact", "sweep", "agent", "launch"},
    "dvc": {"push", "add", "commit", "checkout", "gc", "remove", "exp"},
    "git": {"push"},
    "docker": {"push"},
    "kaggle": {"create", "version", "submit"},
}
_GIT_HARMS = {
    "add", "am", "apply", "checkout", "cherry-pick", "clean", "commit", "gc", "merge", "mv", "prune", "pull", "rebase",
    "reset", "restore", "revert", "rm", "stash", "switch", "worktree",
}  # fmt: skip


@dataclass
class Effects:
    """Empty for a command that only reads, as far as can be told."""

    publishes: str = ""
    """The part of the command that leaves this machine or starts a job."""
    harms: str = ""
    """The part that changes what cannot be told from its words."""
    changes: list[str] = field(default_factory=list)
    """Paths that it deletes, overwrites or makes."""
    of: dict[str, str] = field(default_factory=dict)
    """The part of the command that does it, for each path."""


def effects(command: str | list[str]) -> Effects:
    """Read a shell's text or the words of one command."""
    found = Effects()
    for words in _simple(command) if isinstance(command, str) else [command]:
        _read(words, found, shell=isinstance(command, str))
    return found


def _simple(text: str) -> list[list[str]]:
    """Split into simple commands; quotes count, substitutions are split as if they were commands."""
    import shlex

    made: list[list[str]] = [[]]
    for line in text.replace("$(", " ; ").replace("`", " ; ").split("\n"):
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.commenters = ""
        try:
            words = list(lexer)
        except ValueError:  # an unclosed quote: continued on the next line
            words = line.split()
        for word in words:
            if word in _ENDS:
                made.append([])
            else:
                made[-1].append(word)
        made.append([])
    return [words for words in made if words]


def _read(words: list[str], found: Effects, *, shell: bool) -> None:
    part = " ".join(words)
    operands = _without_redirection(words, part, found) if shell else list(words)
    while operands and (os.path.basename(operands[0]) in _BEFORE or ("=" in operands[0] and shell)):
        operands.pop(0)
        while operands and operands[0].startswith("-"):
            operands.pop(0)
    if not operands:
        return
    name, rest = os.path.basename(operands[0]), operands[1:]
    plain = [word for word in rest if not word.startswith("-")]
    if name in _PUBLISHES or _PUBLISHES_BY_WORD.get(name, set()) & set(plain[:3]):
        found.publishes = found.publishes or part
    elif name in _HARMS or (name == "git" and _git(rest) in _GIT_HARMS) or _harms_by_option(name, rest):
        found.harms = found.harms or part
    else:
        for word in _changed_operands(name, rest, plain):
            _changed(word, part, found)


def _changed_operands(name: str, rest: list[str], plain: list[str]) -> list[str]:
    """Return the words of a command that name what it changes."""
    if name in {"curl", "wget"}:
        to = ("-o", "-O", "--output", "--output-document")
        return [value for option, value in itertools.pairwise(rest) if option in to and value[:1] != "-"]
    if name not in _CHANGES_ALL | _CHANGES_LAST:
        return []
    changed = plain if name in _CHANGES_ALL else plain[-1:]
    if name in {"mv", *_CHANGES_LAST} and plain and os.path.isdir(plain[-1]):
        # Into a folder: what has the same name there, not the folder.
        into = [os.path.join(plain[-1], os.path.basename(word)) for word in plain[:-1]]
        changed = [*changed[:-1], *into]
    return changed


def _without_redirection(words: list[str], part: str, found: Effects) -> list[str]:
    kept: list[str] = []
    iterator = iter(words)
    for word in iterator:
        if word in _INTO:
            if kept and kept[-1].isdigit():
                kept.pop()
            target = next(iterator, "")
            if target and not target.isdigit() and target != "-":
                _changed(target, part, found)
        else:
            kept.append(word)
    return kept


def _changed(word: str, part: str, found: Effects) -> None:
    import glob

    for path in glob.glob(os.path.expanduser(os.path.expandvars(word))) or [word]:
        found.changes.append(path)
        found.of[path] = part


def _git(rest: list[str]) -> str:
    words = iter(rest)
    for word in words:
        if word in {"-C", "-c", "--git-dir", "--work-tree"}:
            next(words, None)
        elif not word.startswith("-"):
            return word
    return ""


def _harms_by_option(name: str, rest: list[str]) -> bool:
    if name == "find":
        return bool({"-delete", "-exec", "-execdir", "-ok"} & set(rest))
    if name in {"sed", "perl"}:
        return any(word.startswith("-") and not word.startswith("--") and "i" in word for word in rest) or any(
            word.startswith("--in-place") for word in rest
        )
    return False
