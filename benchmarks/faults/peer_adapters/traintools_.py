"""traintools: `BatchInspector` and `GradientHealthMonitor` at each step, `PlasticityProbe` at each tenth.

The monitor is not told a norm to clip at: with the 1.0 of the README's example it warns of every gradient that is
longer, and programs clip by themselves. Left out: the gradient noise scale (it advises on batch sizes), gradient
confusion (it needs the loss of a part of a batch), TrainGuard (it needs a validation loss) and the trackers of single
examples (they need stable ids and whole epochs).
"""

from __future__ import annotations

import importlib
from typing import Any

from peer_adapters.base import Adapter


class Traintools(Adapter):
    """Its inspector, its monitor and its probe."""

    distribution = "traintools"

    @classmethod
    def load(cls) -> None:
        """Import it."""
        importlib.import_module("traintools")

    def start(self) -> None:
        """Make one of each."""
        package = importlib.import_module("traintools")
        self.inspector = package.BatchInspector()
        self.monitor = package.GradientHealthMonitor()
        self.probes = {name: package.PlasticityProbe(model) for name, model in self.models.items()}

    def differentiate(self, loss: Any, optimizer: str, scope: dict[str, Any]) -> None:
        """Look at the batch, compute gradients, look at them."""
        step = self.steps[optimizer]
        if optimizer in self.inputs:
            args, kwargs = self.inputs[optimizer]
            inputs: Any = args[0] if len(args) == 1 and not kwargs else [*args, *kwargs.values()]
            self._tell(self.inspector.inspect(inputs, self.target(scope), step=step))
        loss.backward()
        model = self.models.get(optimizer)
        if model is None:
            return
        rate = self.optimizers[optimizer].param_groups[0]["lr"]
        self._tell(self.monitor.inspect(model, step=step, lr=rate))
        if step % 10 == 0:
            result = self.probes[optimizer].measure(step=step)
            self.probes[optimizer].reset_buffers()
            for layer in result.layers:
                if layer.is_critical():
                    self.say(str(layer))

    def _tell(self, report: Any) -> None:
        for warning in report.warnings:
            self.say(warning)
