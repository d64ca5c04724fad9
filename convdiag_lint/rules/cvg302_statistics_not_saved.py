"""CVG302: statistics of the training data that are gone when the process ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convdiag_lint.events import Evidence
from convdiag_lint.project.programs import program_of, saves_checkpoint, trains
from convdiag_lint.project.statistics import may_compute, statistics
from convdiag_lint.project.storing import leaves
from convdiag_lint.rules.base import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convdiag_lint.events import Finding
    from convdiag_lint.project.view import ModuleView

_MESSAGES = {
    "computed": "these statistics normalize the training data and are not stored; put them in the checkpoint",
    "fitted": "this scaler is fitted to the training data and not stored; save it with the checkpoint",
    "wrapper": "the running statistics of this wrapper are not stored; save them (obs_rms) with the checkpoint",
}


def check(view: ModuleView) -> Iterator[Finding]:
    """Yield one finding for each function whose statistics never leave the process."""
    program = view.program
    for statistic in statistics(program, view.module):
        paths = program_of(program, view.module.path)
        if not saves_checkpoint(program, paths) or not trains(program, paths) or leaves(program, statistic):
            continue
        evidence = []
        # A helper that runs in a caller is seen there too: the innermost function says the most.
        for use in sorted(statistic.applied, key=lambda u: u.function.span, reverse=True)[:1]:
            place = program.place(use.function.module, use.function.span)
            evidence.append(Evidence(place.path, place.line, f"applied in {use.function.scope}"))
        yield view.finding(
            RULE.code,
            RULE.name,
            _MESSAGES[statistic.kind],
            view.place(statistic.span),
            statistic.function.scope,
            evidence,
        )


RULE = Rule(
    code="CVG302",
    name="statistics-not-saved",
    summary="Statistics of the training data that normalize inputs or actions and are stored nowhere.",
    seed="Store these statistics; you will need them at inference to denormalize the output.",
    why="A network trained on normalized data speaks in normalized units. Without the mean and the standard deviation"
    " its outputs cannot be turned back, and statistics of other data give other actions. Fitting them again needs the"
    " same data in the same order; a checkpoint that holds them needs nothing.",
    example="""\
mean, std = actions.mean(0), actions.std(0)
dataset = TensorDataset(observations, (actions - mean) / std)
...
torch.save({"policy": policy.state_dict()}, path)
""",
    fix="""\
mean, std = actions.mean(0), actions.std(0)
dataset = TensorDataset(observations, (actions - mean) / std)
...
torch.save({"policy": policy.state_dict(), "action_mean": mean, "action_std": std}, path)
""",
    check=check,
    concerns=may_compute,
)
