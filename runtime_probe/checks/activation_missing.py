"""Two linear layers, or convolutions, with nothing or batch normalization between them are one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe.checks.base import Check, Outcome, names, passed, skipped, warned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Report linear layers that feed each other."""
    if record.linear_pairs:
        yield warned(
            f"no activation stands between {names(record.linear_pairs)}: together they are one linear layer",
            "put an activation such as nn.ReLU() or nn.GELU() between them, or drop one",
            layers=list(record.linear_pairs),
        )
    elif any(p.layer == "Linear" or p.layer.startswith("Conv") for p in record.parameters):
        yield passed("no linear layer feeds another one directly")
    else:
        yield skipped("no linear layers were seen")


CHECK = Check(
    id="activation-missing",
    title="Activations between linear layers",
    step=4,
    seed="is your model actually large enough for the task complexity?",
    why="A stack of linear layers without activations is linear, whatever its depth: the loss falls to what a linear"
    " model can do, and stays. Bottlenecks (a low rank, a shared embedding) are meant, and not reported.",
    run=run,
)
