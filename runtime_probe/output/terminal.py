"""The report on a terminal: what is wrong and what to do first, then the whole checklist."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING

from rich.text import Text

from convdiag_lint.output.text import printable
from runtime_probe.checks.base import STEPS, Result, Status
from runtime_probe.checks.layers import weights
from runtime_probe.diagnosis import others_tried
from runtime_probe.report import FAILED, HEALTHY, Report

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from runtime_probe.record import Record, Where

_STYLES = {Status.PASS: "green", Status.WARN: "yellow", Status.FAIL: "bold red", Status.NOT_EXERCISED: "dim"}
_WORDS = {Status.PASS: "pass", Status.WARN: "WARN", Status.FAIL: "FAIL", Status.NOT_EXERCISED: "----"}
_SYMBOLS = {Status.PASS: "\u2713", Status.WARN: "!", Status.FAIL: "\u2717", Status.NOT_EXERCISED: "\u00b7"}
_PLAIN = {Status.PASS: "+", Status.WARN: "!", Status.FAIL: "x", Status.NOT_EXERCISED: "."}
_BARS, _PLAIN_BARS = "\u2581\u2582\u2583\u2584\u2585\u2586\u2587\u2588", "_.-~=+*#"
_WIDEST = 100
"""Columns; longer lines are hard to read on any terminal."""
_FEW_LAYERS = 8
_FEW_CAUSES = 3


def render(report: Report, console: Console, *, verbose: bool = False) -> None:
    """Print a report. Readable without colour, at 80 columns, and in ASCII where the stream knows no more."""
    page = _Page(console, report.record.folder if report.record is not None else "")
    page.summary(report)
    if report.record is not None:
        page.causes(report, report.record)
        page.detected(report, report.record)
        if report.record.backwards or report.failures:
            page.checklist(report, verbose=verbose)
        page.layers(report.record)
        page.timeline(report)
        page.findings(report)
        page.files(report.record)
    page.ending(report)


def sparkline(values: list[float], *, plain: bool = False) -> str:
    """Return one character for each value, by height; `?` for NaN, `^` for infinity."""
    bars = _PLAIN_BARS if plain else _BARS
    finite = [value for value in values if math.isfinite(value)]
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    span = high - low or 1.0
    return "".join(
        "?" if math.isnan(v) else "^" if math.isinf(v) else bars[round((v - low) / span * (len(bars) - 1))]
        for v in values
    )


class _Page:
    """Writes wrapped lines to one console."""

    def __init__(self, console: Console, folder: str) -> None:
        self._console = console
        self._folder = folder.rstrip("/") + "/" if folder else ""
        self._width = min(console.width, _WIDEST)
        self._plain = not _speaks(console.encoding)
        self._symbols = _PLAIN if self._plain else _SYMBOLS

    def summary(self, report: Report) -> None:
        """The verdict, the failed lines, one next action."""
        failures, warnings = report.failures, report.warnings
        if report.exit_status == FAILED:
            verdict, style = f"FAILED: {_count(len(failures), 'check')}, {_count(len(warnings), 'warning')}", "bold red"
        elif report.exit_status == HEALTHY:
            verdict, style = "HEALTHY" + (f", {_count(len(warnings), 'warning')}" if warnings else ""), "bold green"
        else:
            verdict, style = "NOT JUDGED", "bold yellow"
        self._line(f"convdiag-probe: {verdict}", style)
        for result in failures:
            self._result(result, report, named=True)
        if report.reason:
            self._line(report.reason, indent=2)
        if failures or (warnings and not report.reason):
            self._line(f"Next: {report.next_action}", "bold")

    def causes(self, report: Report, record: Record) -> None:
        """What was tried in the phases, and what it says for and against each cause."""
        tried = [cause for cause in report.causes if len(cause.evidence_for) > 1 or cause.evidence_against]
        if not tried:
            return
        self._heading("Causes, by experiment")
        for number, cause in enumerate(tried[:_FEW_CAUSES], 1):
            self._line(f"{number} {cause.check}", "bold", indent=2)
            for text in cause.evidence_for[1:]:
                self._line(f"for      {text}", indent=4, hang=9)
            for text in cause.evidence_against:
                self._line(f"against  {text}", indent=4, hang=9)
            others = others_tried(record, cause) if cause is tried[0] else []
            if others:
                self._line(f"tried    {'; '.join(others)}", indent=4, hang=9)
            if cause.change:
                place = f"{cause.where}: " if cause.where.path else ""
                self._line(f"change   {place}{cause.change}", indent=4, hang=9)

    def detected(self, report: Report, record: Record) -> None:
        """What was found to be the model, the loss, the batch."""
        self._heading("Detected")
        for model in record.models:
            frozen = "" if model.trainable == model.parameters else f" ({model.trainable:,} trained)"
            self._pair("model", f"{model.name}, {model.parameters:,} parameters{frozen}{_at(model.where)}")
        for index, optimizer in enumerate(record.optimizers):
            rates = sorted({rate for step in record.series(index) for rate in step.rates} or set(optimizer.rates))
            shown = f"{rates[0]:.3g}" + (f" to {rates[-1]:.3g}" if len(rates) > 1 else "") if rates else "?"
            self._pair("step", f"{optimizer.name}, learning rate {shown}{_at(optimizer.where)}")
            losses = record.losses(index)
            loss = next((loss for step in record.series(index) for loss in step.losses), None)
            if losses and loss is not None:
                line = sparkline(losses, plain=self._plain)
                self._pair("loss", f"{line}  {losses[0]:.4g} to {losses[-1]:.4g}{_at(loss.made_at)}")
                self._pair("backward", _at(loss.where).strip(" ()") or "outside your code")
        batch = record.batch
        if batch.size:
            cut = f" (of {batch.original})" if batch.original > batch.size else ""
            self._pair("batch", f"{batch.size}{cut}, the same at every step")
        self._pair("family", f"{report.family.name}: {'; '.join(report.family.evidence)}")
        if report.ranks > 1:
            self._pair("ranks", f"{report.ranks}, merged into one checklist")
        for note in report.notes:
            self._pair("note", note)

    def checklist(self, report: Report, *, verbose: bool) -> None:
        """All results, in the order of the seed."""
        for step, title in STEPS.items():
            own = [result for result in report.results if result.step == step]
            self._heading(f"{step} {title}")
            for result in own:
                if result.status is not Status.NOT_EXERCISED or verbose:
                    self._result(result, report)
            idle = [result.title for result in own if result.status is Status.NOT_EXERCISED]
            if idle and not verbose:
                self._item(Status.NOT_EXERCISED, f"not exercised: {'; '.join(idle)}")
        if report.family.question:
            self._line(f"Ask yourself: {report.family.question}", indent=2)

    def layers(self, record: Record) -> None:
        """Gradient norms, layer by layer."""
        found = weights(record)
        if not found:
            return
        self._heading("Largest gradient norm of each layer")
        shown = found
        if len(found) > _FEW_LAYERS:
            by_norm = sorted(found, key=lambda layer: layer.norm)
            kept = {id(layer) for layer in by_norm[: _FEW_LAYERS // 2] + by_norm[-_FEW_LAYERS // 2 :]}
            shown = [layer for layer in found if id(layer) in kept]
        wide = max(len(layer.name) for layer in shown)
        for layer in shown:
            # One mark for each order of magnitude from 1e-6 on.
            bar = ("#" if self._plain else "\u25a0") * max(0, min(12, round(math.log10(layer.norm)) + 7))
            name = layer.name if wide < self._width - 28 else layer.name[-(self._width - 28) :]
            self._line(f"{name:<{min(wide, self._width - 28)}}  {layer.norm:8.2e} {bar}", indent=4)
        if len(shown) < len(found):
            self._line(f"the smallest and the largest of {len(found)}", "dim", indent=4)

    def timeline(self, report: Report) -> None:
        """One iteration as it happened, beside what the linter had expected."""
        compared = report.timeline
        if compared is None or not compared.observed.events:
            return
        self._heading("One iteration, as it happened")
        wide = max(len(event.kind.value) for event in compared.observed.events)
        for event in compared.observed.events:
            self._line(f"{event.kind.value:<{wide}}  {event.place}", indent=4)
        if compared.expected and not compared.disagreements:
            self._line("as the linter predicted it from the source", "dim", indent=4)
        for item in compared.disagreements:
            self._line(str(item), "yellow", indent=4)

    def findings(self, report: Report) -> None:
        """What the linter said, and whether it is so."""
        if not report.findings:
            return
        self._heading("Lint findings, asked of the run")
        styles = {"confirmed": "yellow", "refuted": "green", "not exercised": "dim"}
        for item in report.findings:
            self._line(
                f"{item.code} {item.path}:{item.line} {item.name}: {item.verdict}", styles[item.verdict], indent=2
            )
            self._line(item.reason, indent=6)

    def files(self, record: Record) -> None:
        """What the script was kept from doing, and what it made."""
        for title, lines in (("Kept from", record.refused), ("Made by the script, and removed", record.created)):
            if lines:
                self._heading(title)
                for line in lines:
                    self._line(printable(line), indent=4)

    def ending(self, report: Report) -> None:
        """The script's own words, where it crashed before anything could be judged."""
        record = report.record
        if report.exit_status in {HEALTHY, FAILED}:
            return
        text = record.crash.traceback if record is not None and record.crash is not None else report.output_tail
        if text.strip():
            self._heading("The script's own last words")
            self._console.print(Text(text.rstrip()), soft_wrap=True)

    def _result(self, result: Result, report: Report, *, named: bool = False) -> None:
        name = result.check if named or result.status in {Status.FAIL, Status.WARN} else result.title
        self._item(result.status, f"{name}: {result.message}")
        if named or result.status in {Status.FAIL, Status.WARN}:
            place = str(result.where) if result.where.path else ""
            if place or result.remedy:
                self._line(": ".join(filter(None, (place, result.remedy))), indent=9)

    def _item(self, status: Status, text: str) -> None:
        self._line(f"{self._symbols[status]} {_WORDS[status]} {text}", _STYLES[status], indent=2, hang=7)

    def _heading(self, text: str) -> None:
        self._console.print()
        self._line(text, "bold")

    def _pair(self, name: str, text: str) -> None:
        self._line(f"{name:<9}{text}", indent=2, hang=9)

    def _line(self, text: str, style: str = "", *, indent: int = 0, hang: int = 0) -> None:
        # Files of the script are named from the folder in which it ran.
        short = text.replace(self._folder, "") if self._folder else text
        for line in self._wrapped(self._encodable(printable(short)), indent, hang):
            # Text, not markup: names and messages may hold brackets.
            self._console.print(Text(line, style=style), soft_wrap=True)

    def _wrapped(self, text: str, indent: int, hang: int) -> Iterator[str]:
        yield from textwrap.wrap(
            text,
            max(self._width, 40),
            initial_indent=" " * indent,
            subsequent_indent=" " * (indent + hang),
            break_on_hyphens=False,
        ) or [""]

    def _encodable(self, text: str) -> str:
        if not self._plain:
            return text
        return text.encode(self._console.encoding, "backslashreplace").decode(self._console.encoding)


def _speaks(encoding: str) -> bool:
    try:
        (_BARS + "".join(_SYMBOLS.values())).encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _at(where: Where) -> str:
    return f" ({where})" if where.path else ""


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")
