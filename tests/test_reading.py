"""Reading: bytes to text, text to events' places, and the looks at bytes that come before."""

from __future__ import annotations

import ast
import codecs
import dataclasses
import functools
from typing import TYPE_CHECKING, Any

import pytest
from helpers import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st

from convdiag_lint.project.files import ProjectFiles
from convdiag_lint.project.program import Program
from convdiag_lint.reading import gate, syntax
from convdiag_lint.reading.lower import lower
from convdiag_lint.reading.source import SourceError, decode, refuse_abyss

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCES = sorted(
    path.relative_to(ROOT).as_posix()
    for folder in ("convdiag_lint", "examples")
    for path in (ROOT / folder).rglob("*.py")
)
Position = tuple[int, int, int, int]

# Where calls stand ------------------------------------------------------------------------------


def nodes(root: object) -> Iterator[object]:
    """Everything of `syntax` below a module, each thing once."""
    seen: set[int] = set()
    open_: list[Any] = [root]
    while open_:
        node = open_.pop()
        if isinstance(node, (list, tuple)):
            open_.extend(node)
        elif isinstance(node, dict):
            open_.extend(node.values())
        elif dataclasses.is_dataclass(node) and id(node) not in seen:
            seen.add(id(node))
            yield node
            open_.extend(getattr(node, field.name) for field in dataclasses.fields(node))


@functools.cache
def program() -> Program:
    return Program(ProjectFiles(ROOT))


def places_of(path: str, text: str, where: Program) -> set[Position]:
    module = lower(path, text)
    found = set()
    for node in nodes(module):
        if isinstance(node, syntax.Call):
            place = where.place(module, node.span)
            found.add((place.line, place.column, place.end_line, place.end_column))
    return found


def places_by_python(text: str, kind: type[ast.expr] = ast.Call) -> set[Position]:
    """The same by Python's own parser, which counts columns in bytes."""
    lines = text.split("\n")

    def column(line: int, offset: int) -> int:
        return len(lines[line - 1].encode()[:offset].decode()) + 1

    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, kind):
            assert node.end_lineno is not None
            assert node.end_col_offset is not None
            start, end = column(node.lineno, node.col_offset), column(node.end_lineno, node.end_col_offset)
            found.add((node.lineno, start, node.end_lineno, end))
    return found


@pytest.mark.parametrize("path", SOURCES)
def test_calls_stand_where_python_says(path: str) -> None:
    text = decode((ROOT / path).read_bytes())
    assert places_of(path, text, program()) == places_by_python(text)


STATEMENTS = st.sampled_from(
    [
        "f(x)",
        "y = f(\n    g(1),\n    *h(),  # note\n)",
        "ä = f('ü', b)(2)[k()]",
        "if f(a):\n    g(b); h(c)\nelse:\n\tk()",
        "with f() as a, g():\n        h(a)",
        "@f(1)\ndef d(a=g(), *, b: h() = k()) -> m():\n    return n(a)",
        "class C(f()):\n    x = g()\n\n    def m(self): return self.f(1)",
        "z = [f(i) for i in g() if h(i)]",
        "z = lambda a=f(): g(a)",
        "z = (\n  f ( 1 )\n)",
        "try:\n    f()\nexcept E:\n    h()\nfinally:\n    k()",
        "assert f(), g()",
        "x = f() if g() else h()",
        "while f(x := g()):\n    break",
        "async def a():\n    await f()",
        "f(a, \\\n  b=g())",
        "",
        "# only a comment",
        '"""text\nof two lines"""',
    ]
)


@given(st.lists(STATEMENTS, max_size=8), st.booleans())
@settings(max_examples=60, deadline=None)
def test_calls_of_any_mixture_stand_where_python_says(parts: list[str], ends: bool) -> None:
    text = "\n".join(parts) + ("\n" if ends else "")
    # A program keeps the line starts of a path: each text needs one of its own.
    assert places_of("mixture.py", text, Program(ProjectFiles(ROOT))) == places_by_python(text)


def test_windows_line_ends_move_nothing() -> None:
    text = "x = f(\r\n    g(),\r\n)\r\nh()\r\n"
    assert places_of("crlf.py", text, Program(ProjectFiles(ROOT))) == {(1, 5, 3, 2), (2, 5, 2, 8), (4, 1, 4, 4)}


# Functions and words ----------------------------------------------------------------------------


NESTED = """\
def a():
    def b(): pass

class C:
    def m(self):
        def n(): pass
    class D:
        def k(self): pass
"""
WRITERS = """\
class C:
    def __init__(self):
        self.a, (self.b, *self.c) = f()
    def g(this):
        this.a: int = 2
"""


def test_functions_and_classes_come_in_source_order_with_dotted_scopes() -> None:
    module = lower("m.py", NESTED)
    assert [f.scope for f in module.functions] == ["a", "a.b", "C.m", "C.m.n", "C.D.k"]
    assert [c.scope for c in module.classes] == ["C", "C.D"]


def test_a_function_knows_the_words_of_what_stands_inside_it() -> None:
    module = lower("m.py", "def a(x):\n    def b():\n        return x.grad\n    return b(mode=1)\n")
    outer = next(f for f in module.functions if f.name == "a")
    assert {"x", "grad", "b", "mode"} <= outer.words


def test_methods_that_assign_attributes_are_remembered() -> None:
    module = lower("m.py", WRITERS)
    writers = {name: [f.name for f in functions] for name, functions in module.classes[0].writers.items()}
    assert writers == {"a": ["__init__", "g"], "b": ["__init__"], "c": ["__init__"]}


@given(st.one_of(st.integers(0, 10**30), st.floats(0, allow_nan=False, allow_infinity=False), st.text(), st.binary()))
@settings(max_examples=200, deadline=None)
def test_literals_keep_their_values(value: object) -> None:
    module = lower("m.py", f"x = {value!r}\n")
    (stmt,) = module.main.body
    assert isinstance(stmt, syntax.Assign)
    assert isinstance(stmt.value, syntax.Literal)
    assert stmt.value.value == value


@given(st.one_of(st.integers(1, 10**6), st.floats(0.001, 1e6)))
def test_a_minus_before_a_number_belongs_to_it(value: float) -> None:
    (stmt,) = lower("m.py", f"-{value!r}\n").main.body
    assert isinstance(stmt, syntax.Evaluate)
    assert isinstance(stmt.value, syntax.Literal)
    assert stmt.value.value == -value


# Bytes to text ----------------------------------------------------------------------------------

COOKIE = "# -*- coding: {} -*-\n"


@given(st.text(st.characters(exclude_characters="\0\r", exclude_categories=["Cs"])))
def test_utf_8_is_read_back(text: str) -> None:
    plain = "x\n" + text
    assert decode(plain.encode()) == plain


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_a_byte_order_mark_is_not_text(text: str) -> None:
    plain = "x\n\n" + text
    assert decode(codecs.BOM_UTF8 + plain.encode()) == plain


@pytest.mark.parametrize("name", ["latin-1", "cp1252", "iso-8859-15", "utf-8", "koi8-r"])
def test_a_coding_line_decides(name: str) -> None:
    word = "ж" if name == "koi8-r" else "é"
    text = COOKIE.format(name) + f"x = '{word}'\n"
    assert decode(text.encode(name)) == text


def test_a_coding_line_may_be_the_second() -> None:
    text = "#!/usr/bin/env python\n" + COOKIE.format("latin-1") + "x = 'é'\n"
    assert decode(text.encode("latin-1")) == text


@pytest.mark.parametrize(
    "data",
    [
        b"x = '\xe9'\n",
        b"x = 1\0\n",
        b"# coding: no-such-code\n",
        b"# coding: ascii\nx = '\xe9'\n",
        codecs.BOM_UTF8 + b"# coding: latin-1\n",
        codecs.BOM_UTF16_LE + "x = 1\n".encode("utf-16-le"),
    ],
)
def test_what_is_not_text_is_refused_in_one_line(data: bytes) -> None:
    with pytest.raises(SourceError) as refused:
        decode(data)
    assert "\n" not in str(refused.value)
    assert (refused.value.line, refused.value.column) == (1, 1)


def text_or_reason(data: bytes) -> str | SourceError:
    try:
        return decode(data)
    except SourceError as error:
        return error


@given(st.binary(max_size=60), st.sampled_from([b"", codecs.BOM_UTF8, b"# coding: utf-7\n", b"# coding: latin-1\n"]))
@settings(max_examples=300)
def test_any_bytes_give_text_or_one_reason(data: bytes, start: bytes) -> None:
    found = text_or_reason(start + data)
    if isinstance(found, SourceError):
        found = str(found)
        assert "\n" not in found
    assert isinstance(found, str)


# What no parser comes back from -----------------------------------------------------------------


@pytest.mark.parametrize("pair", ["()", "[]", "{}"])
def test_nesting_is_refused_only_past_the_bound(pair: str) -> None:
    refuse_abyss("\n" + pair[0] * 200 + pair[1] * 200)
    with pytest.raises(SourceError, match="too deeply nested") as refused:
        refuse_abyss("\n\n" + pair[0] * 201 + pair[1] * 201)
    assert refused.value.line == 3


def test_brackets_side_by_side_are_not_nested() -> None:
    refuse_abyss("()[]{}\n" * 5000)


def test_a_long_line_is_refused_and_a_long_file_is_not() -> None:
    refuse_abyss("x = 1\n" * 50_000)
    refuse_abyss("x" * 20_000)
    with pytest.raises(SourceError, match="line is too long"):
        refuse_abyss("x = 0" + " + 1" * 6000)


@given(st.text("()[]{}ab\n", max_size=400))
def test_short_text_is_refused_for_its_depth_alone(text: str) -> None:
    refuse = False
    depth = 0
    for sign in text:
        depth += (sign in "([{") - (sign in ")]}")
        refuse = refuse or depth > 200
    if refuse:
        with pytest.raises(SourceError):
            refuse_abyss(text)
    else:
        refuse_abyss(text)


# Looks at the bytes -----------------------------------------------------------------------------

STEPS = {
    b"optimizer.step()": True,
    b"optim.step ()": True,
    b"loss_scaler(loss, optimizer)": True,
    b"update(optimizer, parameters, total_loss)": True,
    b"self.opt.step(); loss.backward()": True,
    b"def training_step(self, batch):": True,
    b"trainer = L.Trainer(max_epochs=1)": True,
    b"args = TrainingArguments('out')": True,
    b"class T(Trainer):\n    def compute_loss(self): ...": True,
    b"Accelerator(mixed_precision='fp16')": True,
    b"env.step(action)": False,
    b"import torch.optim": False,
    b"loss = criterion(x, y)": False,
    b"optimizer.stepsize": False,
    b"": False,
}


@pytest.mark.parametrize("data", STEPS)
def test_the_gate_to_training_steps(data: bytes) -> None:
    assert gate.steps(data) is STEPS[data]


TIMES = {
    b"t = torch.rand(4)": True,
    b"tau = torch.rand_like(x)": True,
    b"sample_time = lambda: np.random.uniform(0, 1)": True,
    b"timesteps = x.uniform_()": True,
    b"time = Beta(1.5, 1).sample()": True,
    b"Uniform (0, 1)" + b" " * 5000 + b"t = 1": True,
    b"draw = rand, t": True,
    b"t = random.random()": True,
    b"x = torch.rand(4)": False,
    b"t = torch.randn(4)": False,
    b"t = torch.rand" + b" " * 5000: False,
    b"t = 1" + b" " * 5000 + b"x = torch.rand(4)": False,
    b"": False,
}


@pytest.mark.parametrize("data", TIMES)
def test_the_gate_to_flow_times(data: bytes) -> None:
    assert gate.draws_time(data) is TIMES[data]


STATISTICS = {
    b"scaler = StandardScaler()": True,
    b"x = (x - x.mean(0)) / x.std(0)": True,
    b"x / np.quantile(x, 0.99) / scale": True,
    b"env = NormalizeObservation(env)": True,
    b"x = x.mean(0)": False,
    b"std = 0.5": False,
}
INFERENCE = {
    b"model.load_state_dict(s)\nwith torch.no_grad(): pass": True,
    b"m = torch.load(p); m.eval()": True,
    b"@torch.inference_mode()\ndef f(): return M.load_from_checkpoint(p)": True,
    b"model.load_state_dict(s)": False,
    b"with torch.no_grad(): pass": False,
}


@pytest.mark.parametrize("data", STATISTICS)
def test_the_gate_to_statistics(data: bytes) -> None:
    assert gate.statistics(data) is STATISTICS[data]


@pytest.mark.parametrize("data", INFERENCE)
def test_the_gate_to_inference(data: bytes) -> None:
    assert gate.infers(data) is INFERENCE[data]


@given(st.lists(st.sampled_from([*STEPS, *TIMES, *STATISTICS, *INFERENCE]), max_size=4))
def test_a_file_may_train_if_any_gate_is_open(parts: list[bytes]) -> None:
    data = b"\n".join(parts)
    assert gate.may_train(data) is any(look(data) for look in gate.GATES)


@given(st.sampled_from([*STEPS, *TIMES]), st.binary(max_size=80), st.binary(max_size=80))
def test_more_text_closes_no_gate(data: bytes, before: bytes, after: bytes) -> None:
    whole = before + b"\n" + data + b"\n" + after
    if gate.draws_time(data):
        assert gate.draws_time(whole)
    if gate.frameworks(data):
        assert gate.frameworks(whole)


def test_every_case_of_a_rule_that_is_found_passes_the_gate() -> None:
    for path in sorted((ROOT / "tests" / "rules").glob("cvg401_*.py")):
        data = path.read_bytes()
        if b"# CVG401" in data:
            assert gate.draws_time(data), path.name
