"""What becomes of each change that the script wants to make to a file."""

from __future__ import annotations

import errno
import functools
import os
import stat
import threading
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from runtime_probe.harmless import journal
from runtime_probe.harmless.inside import inside
from runtime_probe.harmless.places import Places, Unknown, absolute, of_descriptor
from runtime_probe.harmless.shadows import Shadows, copy_file, discard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

P = ParamSpec("P")
R = TypeVar("R")


def _own(method: Callable[P, R]) -> Callable[P, R]:
    """Run a decision on the disk as it is, one thread at a time."""

    @functools.wraps(method)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        guard: Any = args[0]
        with guard.lock, inside:
            return method(*args, **kwargs)

    return wrapper


class Guard:
    """Decides by what was there before the run; all processes of a run decide alike."""

    def __init__(self, run_folder: str) -> None:
        self.journal = journal.Journal(os.path.realpath(run_folder))
        self._shadows = Shadows(run_folder, self.journal)
        self.places = Places(run_folder, self.journal.refresh().base)
        self.lock = threading.RLock()
        # A thread that holds the lock does not exist in a forked child.
        os.register_at_fork(after_in_child=self._new_lock)

    def _new_lock(self) -> None:
        self.lock = threading.RLock()

    def is_clean(self) -> bool:
        """Whether everything still is what it seems, as in most runs: nothing is represented or gone."""
        with self.lock:
            state = self.journal.refresh()
            return not (state.shadows or state.gone)

    # What the script sees.

    @_own
    def reading(self, path: Any, dir_fd: int | None = None, *, follow: bool = True) -> Any:
        """Return the path to read from. Raises FileNotFoundError for what is gone."""
        try:
            key = self._key(path, dir_fd, follow=follow)
        except Unknown:
            return path
        state = self.journal.refresh()
        if key in state.gone:
            raise _missing(path)
        shadow = state.shadows.get(key)
        return path if shadow is None else os.fsencode(shadow) if isinstance(path, bytes) else shadow

    @_own
    def visible(self, folder: Any, names: Iterable[Any]) -> list[Any]:
        """Return those names of a folder that are not gone."""
        try:
            key = of_descriptor(folder) if isinstance(folder, int) else self._key(folder or ".", None)
        except Unknown:
            return list(names)
        gone = self.journal.refresh().gone
        return [name for name in names if os.path.join(key, os.fsdecode(name)) not in gone]

    # What it wants to change.

    @_own
    def writing(
        self,
        path: Any,
        dir_fd: int | None = None,
        *,
        what: str = "overwritten",
        copy: bool = False,
        create: bool = True,
        exclusive: bool = False,
    ) -> Any:
        """Return the path to write to.

        Args:
            path: as the script gives it.
            dir_fd: folder that a relative path starts from.
            what: word for the report if the file was there before: overwritten, appended to, changed;
                empty if the end of the run will tell.
            copy: the present content matters.
            create: the call makes the file if it is not there.
            exclusive: the call fails if it is.

        Raises:
            FileNotFoundError: the path counts as deleted, and the call makes no new file.
            PermissionError: there is no room for a copy of the file.
        """
        try:
            key = self._key(path, dir_fd)
        except Unknown:
            return path
        if self.places.is_exempt(key):
            return path
        state = self.journal.refresh()
        if key in state.gone:
            if not create:
                raise _missing(path)
            shadow = self._shadows.represent(key, copy=False)
            if exclusive:
                discard(shadow)
            return shadow
        if key in state.shadows:
            return state.shadows[key]
        kind = _mode(key)
        if kind is None:
            if create and os.path.isdir(os.path.dirname(key)):
                self._add_made(key)
            return path
        if exclusive or state.is_made(key) or not stat.S_ISREG(kind) or not os.access(key, os.W_OK):
            return path  # ours, a pipe or a device, or the call fails by itself
        if what:
            self.refuse(f"would have {what} {self.places.shown(key)}", key)
        return self._shadows.represent(key, copy=copy)

    @_own
    def remove(self, path: Any, dir_fd: int | None, original: Callable[[], None]) -> None:
        """Delete a file, or count it as deleted."""
        key, state = self._target(path, dir_fd)
        if key is None:
            return original()
        if key in state.gone:
            raise _missing(path)
        kind = _mode(key)
        if kind is None or state.is_made(key):
            original()
            return self.journal.add(journal.UNMADE, key)
        if stat.S_ISDIR(kind):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        self.refuse(f"would have deleted {self.places.shown(key)}", key)
        return self.journal.add(journal.GONE, key)

    @_own
    def remove_folder(self, path: Any, dir_fd: int | None, original: Callable[[], None]) -> None:
        """Delete an empty folder, or count it as deleted."""
        key, state = self._target(path, dir_fd)
        if key is None:
            return original()
        if key in state.gone:
            raise _missing(path)
        if not os.path.isdir(key) or os.path.islink(key) or state.is_made(key):
            original()
            return self.journal.add(journal.UNMADE, key)
        if any(os.path.join(key, name) not in state.gone for name in os.listdir(key)):
            raise OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY), path)
        self.refuse(f"would have deleted the folder {self.places.shown(key)}", key)
        return self.journal.add(journal.GONE, key)

    @_own
    def make_folder(self, path: Any, dir_fd: int | None, original: Callable[[], None]) -> None:
        """Make a folder."""
        key, state = self._target(path, dir_fd)
        if key is None:
            return original()
        if key in state.gone:
            return self.journal.add(journal.BACK, key)
        if os.path.lexists(key):
            return original()  # fails by itself
        self.journal.add(journal.FOLDER, key, self._stays(key))
        return original()

    @_own
    def make_other(self, path: Any, dir_fd: int | None, original: Callable[[], None]) -> None:
        """Make a link, a pipe or a device."""
        key, state = self._target(path, dir_fd)
        if key is not None and not os.path.lexists(key):
            self._add_made(key)
        elif key is not None and key in state.gone:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
        return original()

    @_own
    def make_link(self, target: Any, path: Any, dir_fd: int | None, original: Callable[[], None]) -> None:
        """Make a symbolic link."""
        key, state = self._target(path, dir_fd)
        if key is not None and key in state.gone:
            shadow = self._shadows.place(key)
            discard(shadow)
            os.symlink(os.path.join(os.path.dirname(key), os.fsdecode(target)), shadow)
            return self.journal.add(journal.SHADOW, key, shadow)
        return self.make_other(path, dir_fd, original)

    @_own
    def make_hard_link(
        self, source: Any, path: Any, fds: tuple[int | None, int | None], original: Callable[[], None]
    ) -> None:
        """Make a second name for a file; for one that was there before, a copy: writing must not reach it."""
        key, state = self._target(path, fds[1])
        origin = self._key(source, fds[0])
        if key is None or state.is_made(origin) or os.path.lexists(key) or not os.path.isfile(origin):
            self.make_other(path, fds[1], original)
            return
        self._add_made(key)
        copy_file(state.shadows.get(origin, origin), key)

    @_own
    def attributes(self, path: Any, dir_fd: int | None, original: Callable[[Any], None], *, follow: bool) -> None:
        """Change mode, owner or times: of what the run made, or of a shadow."""
        try:
            key = self._key(path, dir_fd, follow=follow)
        except Unknown:
            return original(path)
        state = self.journal.refresh()
        if key in state.gone:
            raise _missing(path)
        if key in state.shadows:
            return original(state.shadows[key])
        if self.places.is_exempt(key) or state.is_made(key) or not os.path.lexists(key):
            return original(path)
        return None

    @_own
    def rename(
        self, source: Any, target: Any, fds: tuple[int | None, int | None], original: Callable[[], None]
    ) -> None:
        """Rename a file or folder, over another one if that is there."""
        try:
            old, new = absolute(source, fds[0]), absolute(target, fds[1])
        except Unknown:
            return original()
        state = self.journal.refresh()
        if old in state.gone:
            raise _missing(source)
        if not os.path.lexists(old) or old == new:
            return original()
        ours = state.is_made(old) or self.places.is_exempt(old)
        there = os.path.lexists(new) and not state.is_made(new) and not self.places.is_exempt(new)
        if there and os.path.isdir(new) and not os.path.islink(new) and new not in state.gone:
            raise OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY), source, None, target)
        if ours and not there:
            return self._rename_made(old, new, original)
        if new in state.gone and os.path.isdir(old) and os.path.isdir(new):
            return self._rename_into(old, new)
        if there and new not in state.gone:
            self.refuse(f"would have overwritten {self.places.shown(new)}", new)
        place = self._shadows.place(new) if there else new
        if not there:
            self._add_made(new, folder=os.path.isdir(old))
        if ours or old in state.shadows:
            discard(place)
            import shutil

            shutil.move(state.shadows.get(old, old), place)
        else:
            copy_file(old, place)
        if there:
            self.journal.add(journal.SHADOW, new, place)
        if ours:
            return self.journal.add(journal.UNMADE, old)
        self.refuse(f"would have renamed {self.places.shown(old)} to {self.places.shown(new)}", old)
        return self._count_as_gone(old)

    @_own
    def refuse(self, text: str, path: str = "") -> None:
        """Name in the report what does not happen; locks and caches are nobody's loss."""
        if path.endswith(".lock") or (path and self.places.is_cache(path)):
            return
        if text not in self.journal.refresh().refused:
            self.journal.add(journal.REFUSED, text)

    @_own
    def note_made(self, path: Any) -> None:
        """Write down what a command is about to make."""
        key, _ = self._target(path, None)
        if key is not None and not os.path.lexists(key):
            self._add_made(key)

    @_own
    def was_there(self, path: Any, *, files: bool = False) -> bool:
        """Whether this path was there before the run (as a file), so that a change to it cannot be let through."""
        try:
            key = self._key(path, None)
        except Unknown:
            return False
        there = os.path.isfile(key) if files else os.path.lexists(key)
        return there and not self.journal.refresh().is_made(key) and not self.places.is_exempt(key)

    # How.

    def _key(self, path: Any, dir_fd: int | None = None, *, follow: bool = True) -> str:
        key = absolute(path, dir_fd)
        state = self.journal.refresh()
        for _ in range(40):
            at = state.shadows.get(key, key)
            if not follow or key in state.gone or not os.path.islink(at):
                return key
            key = absolute(os.path.join(os.path.dirname(key), os.readlink(at)))
        return key

    def _target(self, path: Any, dir_fd: int | None) -> tuple[str | None, journal.State]:
        state = self.journal.refresh()
        try:
            key = absolute(path, dir_fd)
        except Unknown:
            return None, state
        return (None if self.places.is_exempt(key) else key), state

    def _stays(self, key: str) -> str:
        return "stays" if self.places.is_cache(key) else ""

    def _add_made(self, key: str, *, folder: bool = False) -> None:
        if not self.places.is_exempt(key):
            self.journal.add(journal.FOLDER if folder else journal.MADE, key, self._stays(key))

    def _rename_made(self, old: str, new: str, original: Callable[[], None]) -> None:
        if not self.places.is_exempt(new):
            # Before it is there; a folder moves with what is in it.
            self._add_made(new, folder=os.path.isdir(old) and not os.path.islink(old))
        original()
        self.journal.add(journal.MOVED, old, new)
        # What came to a cache stays, what left it does not.
        for path in [path for path in self.journal.state.made if path == new or path.startswith(new + os.sep)]:
            self._add_made(path)

    def _rename_into(self, old: str, new: str) -> None:
        """Rename a folder to one that counts as deleted: what is in it comes to life again one by one."""
        self.journal.add(journal.BACK, new)
        for name in os.listdir(old):
            source, target = os.path.join(old, name), os.path.join(new, name)
            self.rename(source, target, (None, None), functools.partial(os.rename, source, target))
        self.remove_folder(old, None, functools.partial(os.rmdir, old))

    def _count_as_gone(self, key: str) -> None:
        if os.path.isdir(key) and not os.path.islink(key):
            for folder, folders, files in os.walk(key):
                for name in folders + files:
                    self.journal.add(journal.GONE, os.path.join(folder, name))
        self.journal.add(journal.GONE, key)


def _mode(path: str) -> int | None:
    try:
        return os.lstat(path).st_mode
    except OSError:
        return None


def _missing(path: Any) -> FileNotFoundError:
    return FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
