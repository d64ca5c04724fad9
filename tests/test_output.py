"""What people see."""

from __future__ import annotations

from convdiag_lint.engine import Report
from convdiag_lint.events import Evidence, Finding
from convdiag_lint.output.text import Style, printable, render

PLAIN = Style(colour=False)


def shown(line: str, column: int, end: int, *, end_line: int = 1, unsure: bool = False) -> list[str]:
    finding = Finding(
        "a.py", 1, column, end_line, end, "CVG101", "name", "message", "scope",
        (Evidence("b.py", 3, "followed to here"),), unsure,
    )  # fmt: skip
    return list(render([Report("a.py", (finding,), None, (line,))], PLAIN))


def test_the_caret_stands_below_what_is_meant() -> None:
    assert shown("    x = opt.step()\n", 9, 19)[2:4] == [
        "      1 | x = opt.step()",
        "        |     ^^^^^^^^^^",
    ]


def test_the_caret_knows_wide_letters_and_tabs() -> None:
    lines = shown("\t\u6587 = opt.step()\n", 6, 16)
    assert lines[3] == "        | " + " " * 5 + "^" * 10


def test_a_statement_of_several_lines_is_marked_to_the_end_of_its_first() -> None:
    assert shown("opt.step(\n", 1, 2, end_line=3)[3] == "        | ^^^^^^^^^"


def test_a_very_long_line_is_cut() -> None:
    assert max(map(len, shown("x = " + "1, " * 10_000, 1, 5))) < 200
    assert max(map(len, shown("x = " + "1, " * 10_000, 9_000, 9_005))) < 200


def test_places_beyond_the_text_do_no_harm() -> None:
    finding = Finding("a.py", 9, 99, 9, 100, "CVG101", "name", "message", "scope")
    assert list(render([Report("a.py", (finding,), None, ("x\n",))], PLAIN))[1].startswith("  9:99")
    assert shown("x\n", 50, 60)


def test_unsure_findings_say_so() -> None:
    assert shown("x\n", 1, 2, unsure=True)[1].endswith(" (unsure)")


def test_colour_only_where_it_is_wanted() -> None:
    finding = Finding("a.py", 1, 1, 1, 2, "CVG101", "name", "message", "scope")
    report = Report("a.py", (finding,), None, ("x\n",))
    assert "\x1b[" in "".join(render([report], Style(colour=True)))
    assert "\x1b[" not in "".join(render([report], PLAIN))


def test_what_a_terminal_would_obey_is_escaped() -> None:
    assert printable("a\x1b[2J\nb") == "a\\x1b[2J\\nb"
