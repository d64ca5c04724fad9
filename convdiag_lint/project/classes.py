"""The classes of a project: their bases, methods and subclasses."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from convdiag_lint.project.expressions import evaluate
from convdiag_lint.project.interpreter import Interpreter
from convdiag_lint.project.run import Run
from convdiag_lint.project.values import ClassVal, Env, Imported, Obj, Ref, Value
from convdiag_lint.reading import syntax

if TYPE_CHECKING:
    from convdiag_lint.project.program import Program
    from convdiag_lint.reading.syntax import Class, Function, Module


class Classes:
    """Look-ups on the classes of one program."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._this: dict[int, Obj] = {}
        self._linear: dict[int, list[Class]] = {}
        self._outside: dict[int, list[str]] = {}
        self._subclasses: dict[tuple[int, str], list[Class]] = {}
        self._kept: list[object] = []

    def this(self, cls: Class) -> Obj:
        """The object that stands for any instance of a class."""
        if id(cls) not in self._this:
            self._this[id(cls)] = made = Obj(cls)
            # Named once and for all: who binds it first depends on what is asked first.
            made.hint = cls.name
        return self._this[id(cls)]

    def linear(self, cls: Class) -> list[Class]:
        """A class and its bases in the project, in the order in which names are looked up."""
        if id(cls) not in self._linear:
            self._linear[id(cls)] = [cls]
            found = [cls]
            outside: list[str] = []
            env = self._around(cls)
            for expr in cls.bases:
                base = self._static(cls.module, env, expr)
                if isinstance(base, ClassVal):
                    for other in self.linear(base.cls):
                        if other not in found:
                            found.append(other)
                    outside.extend(self._outside.get(id(base.cls), ()))
                elif isinstance(base, Ref):
                    outside.append(base.name)
            self._linear[id(cls)] = found
            self._outside[id(cls)] = outside
        return self._linear[id(cls)]

    def outside(self, cls: Class) -> list[str]:
        """Qualified names of the bases that are not in the project."""
        self.linear(cls)
        return self._outside.get(id(cls), [])

    def is_a(self, cls: Class, *ends: str) -> bool:
        """Whether a base outside the project has one of these last names."""
        return any(name.rpartition(".")[2] in ends for name in self.outside(cls))

    def _around(self, cls: Class) -> Env:
        env = None if cls.outer is None or cls.outer is cls.module.main else self.program.run(cls.outer).env
        return env if env is not None else self.program.global_env(cls.module)

    def _static(self, module: Module, env: Env | None, expr: syntax.Expr) -> Value:
        run = Run(module.main, Env(module.main, env))
        return self.program.force(evaluate(Interpreter(self.program, run, silent=True), expr))

    def evaluated(self, cls: Class, expr: syntax.Expr) -> Value:
        """Value of an expression in the body of a class."""
        return self._static(cls.module, self._around(cls), expr)

    def method(self, cls: Class, name: str) -> Function | None:
        """A method by name; one with an empty body gives way to a subclass's."""
        empty: Function | None = None
        for owner in self.linear(cls):
            found = owner.methods.get(name)
            if found is not None and not is_empty(found):
                return found
            empty = empty or found
        if empty is not None:
            for owner in self.subclasses(cls, name):
                found = owner.methods.get(name)
                if found is not None and not is_empty(found):
                    return found
        return empty

    def implementations(self, cls: Class, name: str) -> list[Function]:
        """What a method may be: the class's own, or where that is empty each subclass's."""
        own = self.method(cls, name)
        if own is None or own.owner in self.linear(cls):
            return [] if own is None else [own]
        return [
            o.methods[name] for o in self.subclasses(cls, name) if name in o.methods and not is_empty(o.methods[name])
        ]

    def subclasses(self, cls: Class, word: str) -> list[Class]:
        """Classes of the project below a class whose files have a word for something, by path.

        The files are searched as text first: a base class may have a hundred heirs, and to parse
        them all for an attribute that none has would cost more than everything else.
        """
        key = (id(cls), word)
        if key not in self._subclasses:
            self._subclasses[key] = []
            self._kept.append(cls)
            found: list[Class] = []
            plain = word.encode()
            wanted = re.compile(rb"(?:\bdef\s+|\bself\.)%s\b" % re.escape(plain))
            for path in self.program.files.deriving(cls.name):
                data = self.program.files.read(path)
                if plain not in data or wanted.search(data) is None:
                    continue
                module = self.program.modules.get(path)
                for other in module.classes if module is not None else ():
                    if other is not cls and cls in self.linear(other):
                        found.append(other)
            self._subclasses[key] = found
        return self._subclasses[key]

    def annotated(self, module: Module, annotation: syntax.Expr | None) -> Obj | None:
        """An instance of the project class that an annotation names; `Optional` and quotes seen through."""
        if annotation is None:
            return None
        if isinstance(annotation, syntax.Operation) and annotation.op == "|":
            return self.annotated(module, annotation.operands[0]) or self.annotated(module, annotation.operands[1])
        if isinstance(annotation, syntax.Subscript):
            base = annotation.base
            if getattr(base, "id", getattr(base, "name", "")) == "Optional":
                return self.annotated(module, annotation.index)
            return None
        if isinstance(annotation, syntax.Literal) and isinstance(annotation.value, str):
            if not annotation.value.isidentifier():
                return None
            annotation = syntax.Name(annotation.value)
        if not isinstance(annotation, (syntax.Name, syntax.Attribute)):
            return None
        value = self._raw(module, annotation)
        if isinstance(value, Imported):
            value = self.program.force(value)
        return self.this(value.cls) if isinstance(value, ClassVal) else None

    def _raw(self, module: Module, expr: syntax.Expr) -> Value:
        env = self.program.global_env(module)
        if isinstance(expr, syntax.Name):
            return env.names.get(expr.id) or Ref(expr.id)
        run = Run(module.main, Env(module.main, env))
        return evaluate(Interpreter(self.program, run, silent=True), expr)


def is_empty(function: Function) -> bool:
    """Whether a body does nothing: `pass`, `...`, a docstring, or an abstract method's raise."""
    for stmt in function.body:
        if isinstance(stmt, syntax.Leave) and stmt.kind in ("pass", "raise"):
            continue
        if isinstance(stmt, syntax.Evaluate) and isinstance(stmt.value, syntax.Literal):
            continue
        return False
    return True
