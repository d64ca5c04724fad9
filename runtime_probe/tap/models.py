"""Which modules an optimizer trains: found, not declared."""

from __future__ import annotations

import gc
import inspect
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from torch import nn

from runtime_probe.record import Where
from runtime_probe.tap.places import is_user

if TYPE_CHECKING:
    from collections.abc import Iterable

_WRAPPERS = {"DistributedDataParallel", "DataParallel", "OptimizedModule", "FullyShardedDataParallel"}
_COUPLED = (nn.modules.batchnorm._BatchNorm,)


@dataclass(eq=False)
class Model:
    """A module that is no part of another, and holds parameters of an optimizer."""

    module: nn.Module
    optimizers: set[int] = field(default_factory=set)
    training: bool = True
    idle: list[str] = field(default_factory=list)
    """Layers that do something else in train mode, while the whole module is in eval mode."""

    @property
    def name(self) -> str:
        """Name of its class."""
        return type(self.module).__name__

    def note_mode(self) -> None:
        """Look at the mode, right after a training step: scripts evaluate in between."""
        self.training = self.module.training
        if not self.training:
            acting = [m for m in self.module.modules() if isinstance(m, _COUPLED) or _drops(m)]
            self.idle = sorted({type(m).__name__ for m in acting if not m.training})

    def where(self) -> Where:
        """Where its class is defined, if that is the user's code."""
        try:
            path = inspect.getsourcefile(type(self.module)) or ""
            return Where(path, inspect.getsourcelines(type(self.module))[1], self.name) if is_user(path) else Where()
        except (OSError, TypeError):
            return Where()

    def dropouts(self) -> dict[str, float]:
        """Probability of each dropout."""
        drops = {n: m for n, m in self.module.named_modules() if isinstance(m, nn.modules.dropout._DropoutNd)}
        return {name: float(module.p) for name, module in drops.items()}

    def norm_momenta(self) -> dict[str, float]:
        """Momentum of each batch normalization that keeps running statistics with one."""
        found = {n: m for n, m in self.module.named_modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)}
        tracking = {n: m for n, m in found.items() if m.training and m.track_running_stats}
        return {name: float(m.momentum) for name, m in tracking.items() if m.momentum is not None}

    def repeated(self) -> list[str]:
        """Containers in which a layer with weights stands more than once."""
        found = []
        for name, module in self.module.named_modules():
            if isinstance(module, (nn.ModuleList, nn.Sequential)):
                layers = [child for child in module._modules.values() if child is not None]
                trained = [id(layer) for layer in layers if any(True for _ in layer.parameters())]
                if len(set(trained)) < len(trained):
                    found.append(name or type(module).__name__)
        return found

    def coupled(self) -> list[str]:
        """Classes of its layers whose output depends on the other samples of a batch."""
        return sorted({type(m).__name__ for m in self.module.modules() if isinstance(m, _COUPLED) and m.training})


def _drops(module: nn.Module) -> bool:
    return isinstance(module, nn.modules.dropout._DropoutNd) and module.p > 0


def find(parameters: Iterable[nn.Parameter], among: Iterable[nn.Module] | None = None) -> list[nn.Module]:
    """Return the outermost modules that hold some of `parameters`, in the order in which they were made.

    They are looked for among all objects of the process, unless it is known where.
    """
    wanted = {id(parameter) for parameter in parameters}
    # isinstance asks an object for its __class__, which wakes lazy objects; type() does not.
    modules = (
        [item for item in gc.get_objects() if issubclass(type(item), nn.Module) and "_parameters" in vars(item)]
        if among is None
        else list(among)
    )
    holders = {
        id(module): module
        for module in modules
        if any(id(p) in wanted for inner in module.modules() for p in inner._parameters.values() if p is not None)
    }
    inner = {id(child) for module in holders.values() for child in module.modules() if child is not module}
    roots = [module for key, module in holders.items() if key not in inner]
    return [_unwrapped(module) for module in roots]


def _unwrapped(module: nn.Module) -> nn.Module:
    while type(module).__name__ in _WRAPPERS:
        inner = getattr(module, "module", None) or getattr(module, "_orig_mod", None)
        if not isinstance(inner, nn.Module):
            break
        module = inner
    return module
