"""Gradients that fade on their way to the input."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Check, Outcome, failed, number, passed, skipped, warned
from runtime_probe.checks.layers import Layer, weights

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Compare the first layers of each model with its last ones."""
    layers = [layer for layer in weights(record) if layer.position >= 0]
    models = sorted({layer.model for layer in layers})
    if not models:
        yield skipped("the order of the layers is not known")
    for model in models:
        own = sorted((layer for layer in layers if layer.model == model), key=lambda layer: layer.position)
        if len(own) < t.VANISHING_LAYERS:
            yield skipped(f"only {len(own)} layers with weights")
            continue
        ratio = max(layer.norm for layer in own[-2:]) / max(layer.norm for layer in own[:2])
        trend = _rank_correlation(own)
        numbers: dict[str, Any] = {"ratio": ratio, "trend": trend}
        message = f"norm {number(own[0].norm)} at {own[0].name}, {number(own[-1].norm)} at {own[-1].name}"
        remedy = "use ReLU or GELU for sigmoid or tanh, add residual connections, and LayerNorm before each block"
        if ratio > t.VANISHING_RATIO and trend > t.VANISHING_TREND:
            yield failed(f"gradients vanish toward the input: {message}", remedy, **numbers)
        elif ratio > t.LAYER_RATIO and trend > t.VANISHING_TREND:
            yield warned(f"gradients fade toward the input: {message}", remedy, **numbers)
        else:
            yield passed(message, **numbers)


def _rank_correlation(layers: list[Layer]) -> float:
    """Spearman's correlation of depth and norm."""
    ranks = {index: rank for rank, index in enumerate(sorted(range(len(layers)), key=lambda i: layers[i].norm))}
    count = len(layers)
    distance: int = sum((index - ranks[index]) ** 2 for index in range(count))
    return 1 - 6 * distance / (count * (count**2 - 1))


CHECK = Check(
    id="vanishing-gradients",
    title="Gradients reach the input",
    step=4,
    seed="Vanishing gradients: gradient norms near the input end of the network are orders of magnitude smaller than"
    " those near the output.",
    why="Each sigmoid or tanh multiplies the gradient by less than one; after five layers the first weights stand still"
    " and the network learns on random features.",
    run=run,
)
