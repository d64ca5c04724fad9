"""NaN or infinity in what enters the model, or in the targets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe.checks.base import Check, Outcome, failed, passed, skipped
from runtime_probe.checks.features import called

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Count values that are not finite."""
    items = [item for item in record.statistics if item.role in {"model input", "first layer", "target"}]
    if not items:
        yield skipped("no input was seen")
        return
    # Attention masks are made of -inf by right; they reach the model, but no layer with weights.
    layers = [item for item in items if item.role != "model input"]
    given = [item for item in items if item.role == "model input"]
    clean = bool(given) and not any(item.nonfinite for item in given)
    # Finite inputs that reach the first layer as NaN were spoilt within the model; see nan-or-inf.
    bad = [item for item in layers if item.nonfinite and not (clean and item.role == "first layer")]
    for item in bad:
        yield failed(
            f"{called(item)} holds {item.nonfinite} values that are NaN or infinite",
            "clean the data: drop or fill them before they reach the model",
            item.where,
            nonfinite=item.nonfinite,
        )
    if not bad:
        yield passed("inputs and targets")


CHECK = Check(
    id="data-not-finite",
    title="Data are finite",
    step=1,
    seed="Print action statistics. Verify range, mean, standard deviation per dimension. Fix outliers and normalize.",
    why="One NaN in a batch is a NaN loss, and then every weight is NaN.",
    run=run,
)
