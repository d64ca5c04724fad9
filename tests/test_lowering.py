"""Both parsers' trees become the same code: places, words, scopes, everything."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from helpers import ROOT

from convdiag_lint.reading import syntax
from convdiag_lint.reading.lower import lower
from convdiag_lint.reading.lower_cst import lower_cst
from convdiag_lint.reading.source import decode

SOURCES = sorted(
    path.relative_to(ROOT).as_posix()
    for folder in ("convdiag_lint", "examples", "tests/rules", "benchmarks")
    for path in (ROOT / folder).rglob("*.py")
)
KINDS = {
    "indices": "a[1,]; a[1]; a[(1, 2)]; a[1:2, ::3]; a[:]; a[...]",
    "joined strings": "x = 'a' 'b' \"c\"; y = b'a' b'b'; z = 'a' f'{b}{c!r:>{w}}' f'd' 'e'; w = f''",
    "numbers": "x = -1, +1, ~1, - 1.5, 1j, -1j, 0x1F, 1_000, 10**30, -True, not x",
    "escapes": "x = '\\n', r'\\n', '''a\nb''', u'a', '\\u00e9', 'é', b'\\x00'",
    "logic": "a and b and c; a and (b and c); (a and b) and c; a or b or c and d; a < b <= c != d is not e not in f",
    "calls": "f(*a, **b, c=1); f(a, *b, c, d=2, **e); f(x for x in y); f((a)); (f)(a); f(a)(b).c(d)",
    "deletions": "del a; del a, b; del (a, b); del a.b, c[0]",
    "targets": "a = b = c, *d = e\n(a.b), [c, *d.e] = f\na: int\na.b: 'c' = 1\na += 1; a.b @= c",
    "imports": "import a.b, a.b as c\nfrom . import d\nfrom ..e import f\nfrom .g import (i, j as k,)\nfrom l import *",
    "parameters": "def f(a, b=1, /, c: int = 2, *d, e, g=3, **h) -> int: pass\ndef k(*, a): pass\n"
    "f = lambda a, *b, c=1, **d: a",
    "decorators": "@a\n@b.c(1)\n# note\nclass C(D, *e, metaclass=M, **f):\n    @property\n    def g(self): return 1",
    "comprehensions": "[a for b in c if d if e for f in g]; {a: b for a, b in c}; {a for a in b}; (a async for a in b)",
    "loops": "for a, b.c in d:\n    break\nelse:\n    pass\nwhile a:\n    continue\nelse:\n    b",
    "branches": "if a:\n    b\nelif c:\n    d  # note\nelse:\n    e\n\n# below\nf if g else h",
    "handlers": "try:\n    a\nexcept B as c:\n    d\nexcept (E, F):\n    raise\nelse:\n    g\nfinally:\n    h",
    "contexts": "with a, b as c, d as (e, f.g):\n    pass\nwith (a as b, c):\n    pass",
    "coroutines": "async def f():\n    async with a as b: await c\n    async for d in e: yield f\n    x = yield\n"
    "    x = await g",
    "generators": "def f():\n    yield from a\n    b = (yield)",
    "matches": "match a, b:\n    case 1: c\n    case -1: d\n    case None: e\n    case K.L: f\n    case [x, *y] if y:\n"
    "        def g(): pass\n    case {'h': i, **j}: k\n    case M(n=1) | _: o",
    "names": "global a, b\ndef f():\n    global c\n    def g():\n        nonlocal d\n    assert a\n    return (e := 1)",
    "semicolons": "a = 1; b = 2 ;\nif c: d; e\ndef f(): return 1",
    "writers": "class A:\n    def f(self, x):\n        self.a = x\n        def g(): self.b, (self.c, *self.d) = x\n"
    "        for self.e in x: pass\n    def h(): h.i = 1\n    j: int = 1\n    k = l = 2",
    "characters": "ä = f('ü', b)(2)[k()]\ndef ö(ß=g('é')): return h('ü'); i()\nx = '''ü\nü'''; f()",
    "continued": "a = b \\\n  + c(d)\nassert (\n    e\n)\n(f\n)",
}


def plain(root: object) -> object:
    """A module as tuples of plain values, what refers back to it as a number."""
    seen: dict[int, int] = {}

    def of(value: Any) -> object:
        if isinstance(value, (list, tuple)):
            return tuple(map(of, value))
        if isinstance(value, (set, frozenset)):
            return tuple(sorted(value))
        if isinstance(value, dict):
            return tuple((key, of(inner)) for key, inner in value.items())
        if isinstance(value, (syntax.Function, syntax.Class, syntax.Module)):
            if id(value) in seen:
                return seen[id(value)]
            seen[id(value)] = len(seen)
        if dataclasses.is_dataclass(value):
            fields = dataclasses.fields(value)
            return (type(value).__name__, *((f.name, of(getattr(value, f.name))) for f in fields))
        return (type(value).__name__, repr(value))

    return of(root)


@pytest.mark.parametrize("path", SOURCES)
def test_a_file_is_the_same_code_by_either_parser(path: str) -> None:
    text = decode((ROOT / path).read_bytes())
    assert plain(lower(path, text)) == plain(lower_cst(path, text))


@pytest.mark.parametrize("text", KINDS.values(), ids=KINDS)
def test_each_kind_of_syntax_is_the_same_code_by_either_parser(text: str) -> None:
    assert plain(lower("m.py", text)) == plain(lower_cst("m.py", text))
    inside = "class C:\n\n" + "\n".join(f"    {line}" for line in text.split("\n")) + "\n# end\n\n"
    assert plain(lower("m.py", inside)) == plain(lower_cst("m.py", inside))


def test_line_ends_are_told_alike_by_either_parser() -> None:
    text = "a = f(\r\n  b)\r\n\x0c\r\nc = d\re = '''\r\n'''\r\nf()"
    assert plain(lower("m.py", text)) == plain(lower_cst("m.py", text))
