"""An average of the weights that has no part in the running statistics of its batch normalizations.

An average of the parameters alone keeps the mean 0 and the variance 1 that these began with, and what it says in eval
mode has nothing to do with what the trained model says.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from runtime_probe.tap import places, sources
from runtime_probe.tap.followers import AVERAGES, named

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_BY_HAND = "update_bn"
"""What torch.optim.swa_utils offers for it, after the last epoch."""


def without_statistics(trained: Iterable[nn.Module]) -> str:
    """Name the average whose statistics stand at their start while those of a model that is trained have moved."""
    moved = {norm.num_features for model in trained for norm in _norms(model) if _counted(norm) > 0}
    if not moved or _by_hand():
        return ""
    for name, value in named():
        if AVERAGES.search(name):
            for norm in (norm for model in _models(value) for norm in _norms(model)):
                if norm.num_features in moved and _counted(norm) == 0 and _stands(norm):
                    return name
    return ""


def _models(value: Any) -> list[nn.Module]:
    """A module, or those that an object holds."""
    if isinstance(value, nn.Module):
        return [value]
    return [item for item in getattr(value, "__dict__", {}).values() if isinstance(item, nn.Module)]


def _norms(model: nn.Module) -> Iterator[_BatchNorm]:
    return (part for part in model.modules() if isinstance(part, _BatchNorm) and part.running_mean is not None)


def _counted(norm: _BatchNorm) -> int:
    return int(norm.num_batches_tracked) if norm.num_batches_tracked is not None else -1


def _stands(norm: _BatchNorm) -> bool:
    mean, variance = norm.running_mean, norm.running_var
    return mean is not None and variance is not None and not bool(mean.any()) and bool((variance == 1).all())


def _by_hand() -> bool:
    trees = (tree for _, tree in sources.trees(places.files()))
    return any(_BY_HAND in (getattr(n, "id", ""), getattr(n, "attr", "")) for tree in trees for n in ast.walk(tree))
