"""What keeps the best weights of a run, or ends it: which number it looks at, and whether more of it is better."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe.record import Keeper

if TYPE_CHECKING:
    from runtime_probe.tap.living import Living


def among(living: Living) -> list[Keeper]:
    """Return the callbacks of Lightning that look at a number, and what transformers was told to look at."""
    kept = []
    for name in ("ModelCheckpoint", "EarlyStopping"):
        callbacks = [held for held in map(vars, living[name]) if isinstance(held.get("monitor"), str)]
        kept += [Keeper(name, held["monitor"], more=held.get("mode") == "max") for held in callbacks]
    for held in map(vars, living["TrainingArguments"]):
        if held.get("load_best_model_at_end"):
            better = bool(held.get("greater_is_better"))
            kept.append(Keeper("TrainingArguments", str(held.get("metric_for_best_model")), more=better))
    return [one for place, one in enumerate(kept) if one not in kept[:place]]
