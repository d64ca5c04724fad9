"""The HTML report: nothing from outside in it, nothing of the script's as markup, readable in a real browser."""

from __future__ import annotations

import dataclasses
import itertools
import math
import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

import browser
import pytest
from building import falling, healthy, mse, parameter, series, statistics
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from convdiag_lint.events import Event, EventKind, Place, Timeline
from runtime_probe import cli
from runtime_probe.findings import Judged
from runtime_probe.output import files, html
from runtime_probe.output.html_report import axes, chart, gradients, markup, timeline
from runtime_probe.record import Crash, ModelRecord, NonFinite, OptimizerRecord, PhaseRecord, Record, Where
from runtime_probe.report import Report, judge
from runtime_probe.timelines import Comparison, Disagreement

if TYPE_CHECKING:
    from collections.abc import Iterator

NAN = math.nan
RISING = [2.0, 3.0, 9.0, 40.0, 1e3, 1e5, math.inf, NAN, NAN, NAN, NAN]
CURED = PhaseRecord("learning rate x0.1", falling(2.0), [0.11] * 10, [0.4] * 10)
FAILED = healthy(
    steps=series(RISING, gain=0.01, cleared=False),
    nonfinite=[NonFinite("loss", 6, "inf", operation="exp", where=Where("/home/me/project/train.py", 20))],
    broadcasts=[mse(function="subtract", input_shape=[4, 1], target_shape=[4])],
    phases=[CURED, PhaseRecord("clip at 1.0", RISING, [1.0] * 10, [50.0, NAN, 0.0], ["the environment"])],
    statistics=[
        statistics(features=100, mean=[900.0] * 100, outlier=[2.0] * 99 + [40.0], maximum=[2e3] * 99 + [9e5]),
        statistics("target", features=2, nonfinite=1),
    ],
    refused=["overwriting checkpoints/best.pt"],
    created=["runs/events.out"],
)
GAN = healthy(
    models=[ModelRecord("Generator", 10, 10, [0], True), ModelRecord("Critic", 20, 20, [1], True)],
    optimizers=[
        OptimizerRecord("Adam", [1e-3], 0.0, 10, Where("/p/t.py", 1)),
        OptimizerRecord("SGD", [0.1], 0.0, 20, Where()),
    ],
    steps=series(falling()) + series([-1.0, -2.0, -500.0], optimizer=1),
    parameters=[parameter("g", 0, 1e-9), parameter("d", 1, 5e4, model=1, optimizer=1), parameter("n", 2, NAN, model=1)],
)
CRASHED = Record(status="crashed", crash=Crash("KeyError", "'x'", "Traceback: KeyError: '<x>'\n" + "wide " * 200))
RECORDS = {"healthy": healthy(), "failed": FAILED, "gan": GAN, "crashed": CRASHED, "empty": Record()}


def place(line: int, path: str = "/home/me/project/train.py") -> Place:
    return Place(path, line, 1, line, 1)


def event(kind: EventKind, line: int) -> Event:
    return Event(kind, place(line))


EXPECTED = Timeline("main", (event(EventKind.CLEAR, 3), event(EventKind.BACKWARD, 4), event(EventKind.STEP, 6)))
HAPPENED = Timeline(
    "",
    (
        event(EventKind.FORWARD, 2),
        event(EventKind.BACKWARD, 4),
        event(EventKind.CLIP, 5),
        event(EventKind.STEP, 6),
    ),
)
COMPARED = Comparison(
    HAPPENED,
    expected=True,
    disagreements=(
        Disagreement(EventKind.CLIP, place(5).path, 5, observed=True),
        Disagreement(EventKind.CLEAR, place(3).path, 3, observed=False),
    ),
    predicted=EXPECTED,
)


def reported(record: Record | None) -> Report:
    """A report with all sections that the record can have."""
    report = judge([] if record is None else [record], "last words\n")
    if record is not None and record.steps:
        report.timeline = COMPARED
        report.findings.append(Judged("CVG101", "name", record.folder + "/train.py", 22, "no clip", "confirmed", "50"))
    return report


class _Elements(HTMLParser):
    """Every element with its attributes, and whether each that was opened was closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs), f"an attribute twice: {tag} {attrs}"
        self.found.append((tag, dict(attrs)))
        if tag not in {"meta", "wbr", "br", "col"}:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def shape(self) -> list[tuple[str, tuple[str, ...]]]:
        """What a name must not change; paths may be broken at their slashes."""
        return [(tag, tuple(attributes)) for tag, attributes in self.found if tag != "wbr"]


@pytest.fixture(params=RECORDS)
def page(request: pytest.FixtureRequest) -> str:
    return html.render(reported(RECORDS[request.param]))


def test_well_formed(page: str) -> None:
    assert page.startswith("<!DOCTYPE html>")
    elements = _Elements(page)
    ids = [a["id"] for _, a in elements.found if "id" in a]
    assert len(ids) == len(set(ids))
    named = {i for _, a in elements.found for i in (a.get("aria-labelledby") or "").split()}
    assert named <= set(ids)
    assert {a["href"] for tag, a in elements.found if tag == "a"} <= {f"#{i}" for i in ids}


def test_nothing_from_outside(page: str) -> None:
    elements = _Elements(page)
    assert {"script", "link", "img", "iframe", "object", "base", "form"}.isdisjoint({tag for tag, _ in elements.found})
    for tag, attributes in elements.found:
        assert not any(name.startswith("on") or name in {"src", "action", "xlink:href"} for name in attributes)
        assert tag != "a" or (attributes["href"] or "").startswith("#")
    assert not re.search(r"https?:|@import|url\(", page)
    assert "default-src 'none'" in page


def test_graphics_and_tables_speak(page: str) -> None:
    elements = _Elements(page)
    graphics = [attributes for tag, attributes in elements.found if tag == "svg"]
    assert all(a.get("aria-hidden") == "true" or len((a["aria-labelledby"] or "").split()) == 2 for a in graphics)
    assert sum(tag == "desc" for tag, _ in elements.found) == sum("role" in a for a in graphics)
    tables, captions = (sum(tag == name for tag, _ in elements.found) for name in ("table", "caption"))
    assert tables == captions
    assert all("scope" in attributes for tag, attributes in elements.found if tag == "th")
    levels = [int(tag[1]) for tag, _ in elements.found if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_what_a_failed_run_shows() -> None:
    text = unescape(re.sub(r"<[^>]*>", "", html.render(reported(FAILED))))
    for words in (
        "\u2717 failed", "Next: ", "Likely causes", "gradients-not-cleared", "nan-or-inf", "learning rate x0.1",
        "clip at 1.0", "the environment", "first 64 of 100 dimensions", "\u2260 not predicted", "\u2260 not observed",
        "! confirmed", "overwriting checkpoints/best.pt", "runs/events.out", "train.py:22",
    ):  # fmt: skip
        assert words in text, words
    steps = [
        text.index(f" {title}") for title in ("Statistics of inputs and targets", "Timestamps", "Ten steps on a tiny")
    ]
    assert steps == sorted(steps)


def test_what_could_not_be_judged_says_why() -> None:
    page = html.render(reported(CRASHED))
    assert "KeyError: &#x27;&lt;x&gt;&#x27;" in page
    assert "last words" in html.render(reported(None))
    assert page.index("own last words") < page.index('id="detected"')


def test_each_optimizer_has_its_curve() -> None:
    page = html.render(reported(GAN))
    assert 'id="loss-0-title"' in page
    assert 'id="loss-1-title"' in page


def test_the_source_line_is_shown(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text("\n" * 5 + "    optimizer.step()  # <now>\n")
    step = Event(EventKind.STEP, place(6, str(script)))
    report = reported(healthy(folder=str(tmp_path)))
    report.timeline = Comparison(Timeline("", (step,)), expected=False)
    page = html.render(report)
    assert "optimizer.step()  # &lt;now&gt;" in page
    assert "train.py:6" in re.sub(r"<[^>]*>", "", page)


def _hostile(name: str) -> Report:
    """A report in which everything that a script can name has this name."""
    where = Where(f"/home/{name}", 3, name)
    record = dataclasses.replace(
        FAILED,
        argv=[name, name],
        torch=name,
        framework=name,
        folder=f"/home/{name}/",
        models=[ModelRecord(name, 1, 1, [0], True, where, [name])],
        optimizers=[OptimizerRecord(name, [0.1], 0.0, 1, where)],
        parameters=[parameter(name, 0, layer=name, dtype=name)],
        statistics=[statistics("target", name=name, layer=name, dtype=name, where=where)],
        phases=[dataclasses.replace(CURED, not_restored=[name])],
        crash=Crash(name, name, f"x{name}", where),
        refused=[name],
        created=[name],
    )
    report = reported(FAILED)
    # Read and judged before: paths that no system has are no matter of this page.
    results = [
        dataclasses.replace(r, message=name, remedy=f"x{name}", where=where, numbers={name: name, "list": [name]})
        for r in report.results
    ]
    causes = [
        dataclasses.replace(c, where=where, change=f"x{name}", evidence_for=[name], evidence_against=[name])
        for c in report.causes
    ]
    events = tuple(Event(e.kind, place(e.place.line, f"/home/{name}")) for e in HAPPENED.events)
    return dataclasses.replace(
        report,
        record=record,
        results=results,
        causes=causes,
        findings=[Judged("CVG101", name, f"/home/{name}", 3, name, "confirmed", name, {name: 1.0})],
        timeline=Comparison(Timeline("", events), expected=True, predicted=EXPECTED),
        notes=[name],
        output_tail=name,
        reason=f"x{name}",
    )


HARMLESS = _Elements(html.render(_hostile("name"))).shape


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.one_of(
        st.sampled_from([
            "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "' onmouseover='x", "</style><b>", "-->",
            "]]>", "a\0b", "\ud800", "\udfff\ud83d", "\u202eevil\u2066", "\x1b[31m", "&lt;", "$style ${title} $$",
            "{0}", "\r\n",
        ]),
        st.text(st.characters(), min_size=1, max_size=30).filter(lambda name: bool(name.strip())),
    )
)  # fmt: skip
def test_no_name_becomes_markup(name: str) -> None:
    page = html.render(_hostile(name))
    page.encode("utf-8")
    assert not re.search("[\0-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", page)
    assert _Elements(page).shape == HARMLESS


def test_text_is_escaped_and_markup_is_not() -> None:
    made = markup.tag("p", "<b>", markup.tag("b", 'a"b'), None, title='"x"', class_="y", hidden=None)
    assert made == '<p title="&quot;x&quot;" class="y">&lt;b&gt;<b>a&quot;b</b></p>'


ANY = st.lists(st.floats(width=64), max_size=12)


@settings(max_examples=200, deadline=None)
@given(ANY, st.booleans())
def test_axes_hold_every_finite_value(values: list[float], always: bool) -> None:
    for axis in (axes.fitting(values, always_log=always), axes.around_zero(values)):
        assert axis.high > axis.low
        assert all(0 <= at <= 1 for at in map(axis.place, filter(math.isfinite, values)))
        assert all(-1e-6 <= at <= 1 + 1e-6 for at, _ in axis.ticks)


@pytest.mark.parametrize("low", [1e-9, 1e-4, 0.224, 3.0, 1e6])
@pytest.mark.parametrize("factor", [1.0005, 1.1, 2.0, 50.0, 1e12])
@pytest.mark.parametrize("always", [False, True])
def test_ticks_have_different_labels(low: float, factor: float, always: bool) -> None:
    labels = [label for _, label in axes.fitting([low, low * factor], always_log=always).ticks]
    assert 2 <= len(labels) == len(set(labels)), labels
    assert max(map(len, labels)) <= 9


@settings(max_examples=100, deadline=None)
@given(st.lists(ANY, min_size=1, max_size=3))
@example([[5e-324]])
def test_curves_have_gaps_and_marks_where_there_is_no_number(curves: list[list[float]]) -> None:
    named = [chart.Curve(f"c{i}", values, i) for i, values in enumerate(curves)]
    svg = chart.draw(chart.Chart("t", "d", "loss", named, log=len(curves) == 1))
    drawn = re.sub(r"<(title|desc|text).*?</\1>", "", svg)
    assert "nan" not in drawn
    assert "inf" not in drawn
    assert svg.count('class="cross"') == sum(not math.isfinite(v) for values in curves for v in values)


def test_a_gap_is_no_line() -> None:
    svg = chart.draw(chart.Chart("t", "d", "loss", [chart.Curve("a", [1.0, 2.0, NAN, 3.0, math.inf, 2.0, 1.0])]))
    assert [len(p.split()) for p in re.findall(r'points="(.*?)"', svg)] == [2, 1, 2]
    assert ">inf<" in svg


@pytest.mark.parametrize(
    ("norm", "kind", "mark"),
    [
        (0.0, "h0", "0"), (1e-9, "h1", "\u25be"), (5e-5, "h3", "\u25be"), (1e-4, "h4", ""), (1.0, "h8", ""),
        (1.5, "h8", "\u25b4"), (1e9, "h11", "\u25b4"), (NAN, "hx", "\u2715"), (math.inf, "hx", "\u2715"),
    ],
)  # fmt: skip
def test_shades(norm: float, kind: str, mark: str) -> None:
    assert gradients.shade(norm) == (kind, mark)


def test_layers_stand_in_the_order_of_the_forward_pass() -> None:
    found = [parameter("last", 2), parameter("unknown", -1), parameter("first", 0)]
    strip = str(gradients.section(healthy(parameters=found)))
    places = [strip.index(f"<bdi>{name}</bdi>") for name in ("first", "last", "unknown")]
    assert places == sorted(places)


def test_a_large_model_keeps_its_extreme_layers() -> None:
    found = [parameter(f"layer{i}", i, 0.1) for i in range(500)]
    found[100], found[300] = parameter("tiny", 100, 1e-12), parameter("huge", 300, 1e9)
    strip = str(gradients.section(healthy(parameters=found)))
    assert strip.count("<bdi>") <= 80
    assert "<bdi>tiny</bdi>" in strip
    assert "<bdi>huge</bdi>" in strip


def test_timelines_are_laid_beside_each_other() -> None:
    # The loop predicts: clear, backward, step; what was observed began at backward.
    turned = Timeline("", EXPECTED.events[1:] + EXPECTED.events[:1])
    pairs = list(timeline.aligned(Comparison(turned, expected=True, predicted=EXPECTED)))
    assert [(a.kind, b.kind) for a, b in pairs if a and b] == [(e.kind, e.kind) for e in turned.events]
    assert len(pairs) == 3


# The file.


def test_a_report_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    files.write_new(target, "text \ud800")
    assert target.read_text() == "text \\ud800"
    with pytest.raises(FileExistsError):
        files.write_new(target, "other")
    assert target.read_text() == "text \\ud800"
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_a_file_system_without_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, target: Path) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    files.write_new(tmp_path / "a", "text")
    with pytest.raises(FileExistsError):
        files.write_new(tmp_path / "a", "other")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a", "text")]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--html", "there.html", "train.py"], "there.html exists"),
        (["--html", "missing/report.html", "train.py"], "no such folder: missing"),
        (["--html", "same", "--json", "same", "train.py"], "same cannot hold two reports"),
    ],
)
def test_the_option_is_asked_before_anything_runs(
    work: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("train.py").write_text("raise AssertionError\n")
    Path("there.html").touch()
    assert cli.main(arguments) == 2
    assert message in capsys.readouterr().err
    assert sorted(path.name for path in work.iterdir()) == ["there.html", "train.py"]


def test_the_command_writes_it(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("train.py").write_text("print('nothing is trained here')\n")
    assert cli.main(["--html", "report.html", "train.py"]) == 2
    page = Path("report.html").read_text(encoding="utf-8")
    assert "not judged" in page
    assert "nothing is trained here" in page
    assert sorted(path.name for path in work.iterdir()) == ["report.html", "train.py"]


# Colours.


def _colours() -> Iterator[tuple[str, dict[str, str]]]:
    style = html._resource("style.css")
    light, dark = re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    yield "light", dict(re.findall(r"--([\w-]+): (#\w+)", light))
    yield "dark", dict(re.findall(r"--([\w-]+): (#\w+)", dark))


def _contrast(one: str, other: str) -> float:
    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        r, g, b = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    high, low = sorted([luminance(one), luminance(other)], reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colours", [colours for _, colours in _colours()], ids=[name for name, _ in _colours()])
def test_contrast(colours: dict[str, str]) -> None:
    """WCAG AA: 4.5 for text, 3 for what a graphic needs."""
    grounds = {"page": "ink soft accent", "card": "ink soft accent warn", "fill": "ink soft", "tint": "ink accent"}
    pairs = [(text, ground) for ground, texts in grounds.items() for text in texts.split()]
    pairs += [(status, f"{status}-tint") for status in ("pass", "warn", "fail", "idle")]
    pairs += [("ink", f"h{i}") for i in range(4, 8)] + [("mark-dark", f"h{i}") for i in (3, 8, 9)]
    pairs += [("mark-light", f"h{i}") for i in (1, 2, 10, 11)]
    for text, ground in pairs:
        assert _contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
    for curve in ["accent", "soft", "fail", *(f"c{i}" for i in range(1, 10))]:
        assert _contrast(colours[curve], colours["card"]) >= 3, curve
    assert _contrast(colours["accent"], colours["band"]) >= 3


# In a browser.


@pytest.fixture(scope="module")
def chromium() -> Iterator[browser.Browser]:
    executable = browser.installed()
    if executable is None:
        pytest.skip("no Chromium is installed")
    with browser.started(executable) as started:
        yield started


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_in_a_browser(chromium: browser.Browser, tmp_path: Path, width: int, dark: bool) -> None:
    reports = {name: reported(record) for name, record in RECORDS.items()} | {"long names": _hostile("a" * 150)}
    for name, report in reports.items():
        path = tmp_path / "report.html"
        path.write_text(html.render(report), encoding="utf-8")
        chromium.show(path, width=width, dark=dark)
        assert chromium.messages == [], name
        assert chromium.requests == [path.as_uri()], name
        assert chromium.evaluate("document.documentElement.scrollWidth") <= width, name
        chromium.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        assert chromium.evaluate("document.documentElement.scrollWidth") <= width, f"{name}, unfolded"
        assert report.status.upper() in chromium.evaluate("document.body.innerText").upper()
        shade = chromium.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (sum(map(int, re.findall(r"\d+", shade))) < 300) is dark
