"""Who calls a function of the project, and with what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convdiag_lint.project import calling
from convdiag_lint.project.programs import imports
from convdiag_lint.project.run import Site
from convdiag_lint.project.values import FuncVal, Imported, Param, Value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convdiag_lint.project.program import Program
    from convdiag_lint.project.run import Run
    from convdiag_lint.project.values import Call
    from convdiag_lint.reading.syntax import Function

_MOST_FILES = 40
"""Files searched for the callers of one function."""
_MOST_FILES_OF_HELPERS = 20


class Callers:
    """Calls of the functions of one program."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._sites: dict[Function, list[Site]] = {}
        self._unentered: dict[Function, list[Call]] = {}

    def of(self, function: Function) -> list[Site]:
        """Calls of a function that stand in the project, in a fixed order."""
        if function not in self._sites:
            self._sites[function] = []
            self._sites[function] = self._find(function)
        return self._sites[function]

    def unentered(self, function: Function) -> list[Call]:
        """Calls of a function of another file that the interpreter did not enter: that file acts on no step."""
        if function not in self._unentered:
            self._unentered[function] = []
            here = function.module.path
            if function.owner is None and not self.program.may_matter(here):
                known = imports(self.program)
                paths = [path for path in self.program.files.calling(function.name) if here in known.get(path, ())]
                self._unentered[function] = [
                    call for path in paths[:_MOST_FILES_OF_HELPERS] for call in self._find_unentered(path, function)
                ]
        return self._unentered[function]

    def bindings(self, value: Param, *, helpers: bool = False) -> list[Value]:
        """What the project passes for a parameter; its default where a call leaves it out.

        With `helpers`, of functions in files that act on no step, too.
        """
        name, default = value.parameter.name, value.default
        found = [site.given.get(name, default) for site in self.of(value.function)]
        for call in self.unentered(value.function) if helpers else ():
            target = self.program.force(call.callee)
            if isinstance(target, FuncVal):
                found.append(calling.bind(value.function, target, call.args, call.keywords).get(name, default))
        return [bound for bound in found if bound is not None]

    def _find(self, function: Function) -> list[Site]:
        word = function.name
        if word == "__init__" and function.owner is not None:
            word = function.owner.name
        elif word in ("__call__", "forward") or word.startswith("__"):
            return self._of_object(function)
        found: list[Site] = []
        paths = [path for path in self.program.files.calling(word) if self._may_reach(path, function)]
        for path in paths[:_MOST_FILES]:
            module = self.program.modules.get(path)
            if module is None:
                continue
            for other in (module.main, *module.functions):
                if other is function or (word not in other.words and other is not module.main):
                    continue
                run = self.program.run(other)
                found.extend(s for s in run.sites if s.target.function is function and s.caller is other)
                found.extend(self._unread(run, function))
        return found

    def _unread(self, run: Run, function: Function) -> Iterator[Site]:
        """Calls that the run left alone, because nothing in the called file acts on a step."""
        for call, target in self._left_alone(run, function):
            given = calling.bind(function, target, call.args, call.keywords)
            yield Site(target, given, call.function, call.span, (), call.guards, call.loops, 0)

    def _find_unentered(self, path: str, function: Function) -> Iterator[Call]:
        module = self.program.modules.get(path)
        for other in (module.main, *module.functions) if module is not None else ():
            if other is not function and function.name in other.words:
                yield from (call for call, _ in self._left_alone(self.program.run(other), function))

    def _left_alone(self, run: Run, function: Function) -> Iterator[tuple[Call, FuncVal]]:
        for call in run.calls:
            callee = call.callee
            if not isinstance(callee, Imported) or callee.name != function.name or call.function is not run.function:
                continue
            target = self.program.force(callee)
            if isinstance(target, FuncVal) and target.function is function:
                yield call, target

    def _may_reach(self, path: str, function: Function) -> bool:
        """Whether a file can know a function: it names its module or class, or stands beside it."""
        if path == function.module.path:
            return True
        data = self.program.files.read(path)
        if function.owner is not None and function.owner.name.encode() in data:
            return True
        stem = function.module.path.removesuffix("/__init__.py").removesuffix(".py").rpartition("/")[2]
        return stem.encode() in data or f"import {function.name}".encode() in data

    def _of_object(self, function: Function) -> list[Site]:
        """Calls of an object: found where its class, or a variable that holds it, is used."""
        if function.owner is None:
            return []
        found: list[Site] = []
        paths = {function.module.path, *self.program.files.mentioning(function.owner.name)}
        for path in sorted(paths)[:_MOST_FILES]:
            module = self.program.modules.get(path)
            for other in (module.main, *module.functions) if module is not None else ():
                for site in self.program.run(other).sites:
                    if site.target.function is function and site.caller is other:
                        found.append(site)
        return found
