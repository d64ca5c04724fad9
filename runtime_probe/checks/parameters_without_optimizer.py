"""Parameters that get a gradient and are held by no optimizer: a submodule was forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe.checks.base import Check, Outcome, failed, names, passed, warned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Look for parameters with gradients that nobody applies."""
    lost = [p for p in record.parameters if p.optimizer is None and p.requires_grad and p.gradients > 0]
    if not lost:
        yield passed(f"{sum(p.gradients > 0 for p in record.parameters)} parameters have one, all held")
        return
    elements = sum(_elements(p.shape) for p in lost)
    total = sum(_elements(p.shape) for p in record.parameters)
    where = record.optimizers[0].where if record.optimizers else None
    # A network that judges outputs (perceptual losses, target networks) gets gradients that nobody wants: a warning,
    # unless nothing else gets any.
    apart = all(p.model < 0 for p in lost)
    useless = not any(p.gradients > 0 for p in record.parameters if p.optimizer is not None)
    if apart and useless:
        yield failed(
            f"gradients reach {names([p.name for p in lost])}, and nothing that the optimizer holds: it was made for"
            " another model, or for a copy",
            "make the optimizer after the last change of the model, from the parameters of the model in use",
            where,
            parameters=[p.name for p in lost],
        )
        return
    say = warned if apart else failed
    yield say(
        f"{len(lost)} parameters get a gradient and are in no optimizer ({elements / max(total, 1):.0%} of the model):"
        f" {names([p.name for p in lost])}",
        "give the optimizer the parameters of the whole model; if these are to stay as they are, freeze them with"
        " requires_grad_(False)",
        where,
        parameters=[p.name for p in lost],
    )


def _elements(shape: list[int]) -> int:
    size = 1
    for length in shape:
        size *= length
    return size


CHECK = Check(
    id="parameters-not-in-optimizer",
    title="Every gradient is applied",
    step=4,
    seed="The optimizer is doing its job; there is simply not enough ... model capacity to reach a useful optimum.",
    why="Modules in a plain list, or an optimizer made before a layer was added or replaced, leave part of the model at"
    " its random start. The loss still decreases strictly.",
    run=run,
)
