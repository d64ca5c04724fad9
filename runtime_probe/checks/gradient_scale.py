"""Gradient norms per layer: the seed's healthy range, and three orders of magnitude between layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Check, Outcome, number, passed, skipped, warned
from runtime_probe.checks.layers import weights

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Report the range over layers; warn where they are too far apart, or all too small."""
    layers = weights(record)
    if not layers:
        yield skipped("no weight has a gradient")
        return
    by_norm = sorted(layers, key=lambda layer: layer.norm)
    low, high = by_norm[0], by_norm[-1]
    numbers: dict[str, Any] = {
        "lowest": low.norm,
        "highest": high.norm,
        "layers": {layer.name: layer.norm for layer in layers},
    }
    text = f"{number(low.norm)} ({low.name}) to {number(high.norm)} ({high.name}) over {len(layers)} layers"
    # Layers of different models see different losses: only those of one model compare.
    ratio, pair = 1.0, (low, high)
    for model in {layer.model for layer in layers}:
        own = [layer for layer in by_norm if layer.model == model and not layer.table]
        if own and own[-1].norm / own[0].norm > ratio:
            ratio, pair = own[-1].norm / own[0].norm, (own[0], own[-1])
    if ratio > t.LAYER_RATIO:
        yield warned(
            f"norms differ by {number(ratio)} between {pair[0].name} ({number(pair[0].norm)}) and {pair[1].name}"
            f" ({number(pair[1].norm)}); healthy: within 1000",
            "look at the initial weights and the inputs of the layers at both ends; add normalization layers or"
            " residual connections",
            ratio=ratio,
            **numbers,
        )
    elif high.norm < t.GRADIENT_LOW and family.measures_progress:
        yield warned(
            f"every norm is below {number(t.GRADIENT_LOW)}: {text}",
            "look for a saturated output, a loss divided twice by the batch size, or a tiny target",
            **numbers,
        )
    else:
        inside = sum(t.GRADIENT_LOW <= layer.norm <= t.GRADIENT_HIGH for layer in layers)
        yield passed(f"{text}; {inside} within 1e-4..1", ratio=ratio, **numbers)


CHECK = Check(
    id="gradient-scales-differ",
    title="Gradient norms per layer",
    step=4,
    seed="Check gradient norms per layer. They should be within three orders of magnitude of each other.",
    why="The seed's range of 1e-4 to 1 is where most layers of a well-behaved run are; sums over an episode or an image"
    " lie above it and are healthy. Layers a thousandfold apart cannot learn at one learning rate. Weights of two and"
    " more dimensions count, each with its largest norm of the ten steps, so that a head that starts at zero passes.",
    run=run,
)
