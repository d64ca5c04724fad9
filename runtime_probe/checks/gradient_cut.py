"""Codes and rounded numbers: values that pass where no gradient does, or the other way round."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Check, Outcome, failed, names, passed, skipped, warned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record, Unlearnt

_AGENTS = ("reinforcement learning",)
"""What they pick is trained by the return that it brings."""


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Name the parts of a model whose values and gradients part ways."""
    cuts = record.experiments.cuts
    remedy = "use a straight-through estimator: z + (quantized - z).detach() has the value of the codes and the"
    remedy += " gradient of z"
    behind = record.features.changed_behind
    if behind is not None:
        yield warned(
            "what was computed is changed through .data here: the loss sees new values, and backward() the old ones",
            "make a new tensor: x = f(x)",
            behind,
        )
    carried = record.features.state_detached
    if carried is not None:
        yield warned(
            "a recurrent layer is called step by step here, and each call gets the state of the last one without its"
            " gradient: nothing learns what to remember",
            "pass the state on as it is, and detach it after backward() alone, between two stretches of a sequence",
            carried,
        )
    if family.name in _AGENTS or not record.models:
        if behind is None and carried is None:
            yield skipped(f"{family.name}: what is picked is trained by what it brings")
        return
    if record.features.sampled_into is not None and not record.features.calls.get("log_prob"):
        yield failed(
            "what sample() draws here goes on into the model, and no gradient comes back to the distribution",
            "rsample(): the same draw as a function of mean and deviation",
            record.features.sampled_into,
        )
    unanswered = record.features.unanswered
    if unanswered is not None:
        yield warned(
            "what a model says is compared with its target here, which counts in the loss, and no gradient comes back:"
            " the loss measures it, and nothing learns from it",
            "look for a detach(), .data, .item() or torch.tensor(...) between this line and backward()",
            unanswered,
        )
    silent_outputs = [output for output in record.features.unlearnt if _has_silent(output)]
    for output in silent_outputs:
        yield warned(
            f"no loss gives a gradient to {names([f'[..., {d}]' for d in output.dimensions])} of {output.name}, whose"
            f" last dimension has {output.width}",
            "look for a detach() on the way to the loss, and for a slice that is left out",
            output.where,
            silent=len(output.dimensions),
            width=output.width,
        )
    for passes in ("values", "gradients"):
        found = [cut for cut in cuts if cut.passes == passes]
        where = names([cut.part for cut in found])
        if found and passes == "values":
            yield failed(f"{found[0].model}: its output depends on {where} only by what is picked or rounded, and no"
                         " gradient comes back", remedy)  # fmt: skip
        elif found:
            yield failed(f"{found[0].model}: its gradient goes to {where}, on which its output does not depend", remedy)
    if not cuts and not silent_outputs and all(found is None for found in (behind, carried, unanswered)):
        yield passed("gradients go where the values of outputs come from")


def _has_silent(output: Unlearnt) -> bool:
    """Whether some dimensions get no gradient, others but those that a head is filled up with at its end.

    Policies for many robots have as many outputs as the largest of them needs.
    """
    silent = output.dimensions
    filling = list(range(output.width - len(silent), output.width))
    return bool(silent) and silent != filling and output.rows >= t.SILENT_ROWS


CHECK = Check(
    id="gradient-cut",
    title="Gradients follow values",
    step=4,
    seed="",
    why="argmin, argmax and round() pass values and no gradients. The encoder of a quantized model is then trained by"
    " its commitment alone, and the decoder reconstructs from codes that mean nothing.",
    run=run,
)
