"""What the rules about updates share: which scopes they judge, and how often they speak of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convdiag_lint.project.asking import is_scalar_optimizer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from convdiag_lint.events import Finding
    from convdiag_lint.project.steps import Step
    from convdiag_lint.project.view import ModuleView


def each_scope(view: ModuleView, judge: Callable[[ModuleView, Step], Finding | None]) -> Iterator[Finding]:
    """Findings of a rule, up to the first sure one of each scope; optimizers of a single number are left out."""
    seen: set[int] = set()
    for step in view.steps:
        if id(step.scope) in seen or is_scalar_optimizer(view.program, step.event.subject):
            continue
        finding = judge(view, step)
        if finding is not None:
            if not finding.unsure:
                seen.add(id(step.scope))
            yield finding
