"""torchdiag: `summary` before the loop, `verify_step` and `check_dead_neurons` once, `check_gradients` at each step.

`verify_step` calls model and loss by itself; here its model gives the output that the program's own call gave, and its
loss is the program's own loss, so that whatever the program does between the two is verified as it is.
"""

from __future__ import annotations

import contextlib
import importlib
import io
from typing import Any

from peer_adapters.base import Adapter


class Torchdiag(Adapter):
    """Four of its five commands; the fifth reports memory."""

    distribution = "torchdiag"

    @classmethod
    def load(cls) -> None:
        """Import it."""
        importlib.import_module("torchdiag")

    def _ask(self, command: str, *arguments: Any) -> Any:
        """Call one of its commands and keep the issues that it prints."""
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            answer = getattr(importlib.import_module("torchdiag"), command)(*arguments)
        for line in printed.getvalue().splitlines():
            if line.strip().startswith("• "):
                self.say(line.strip()[2:])
            elif line.startswith("✗"):
                self.say(line[1:], "error")
        return answer

    def start(self) -> None:
        """Summaries."""
        for model in self.models.values():
            self._ask("summary", model)

    def differentiate(self, loss: Any, optimizer: str, scope: dict[str, Any]) -> None:
        """The first step is verified; then gradients are checked."""
        model = self.models.get(optimizer)
        if model is None:
            loss.backward()
            return
        if self.steps[optimizer] == 1 and optimizer in self.inputs:
            args, kwargs = self.inputs[optimizer]
            self._ask("check_dead_neurons", _taking_one(model, lambda: model(*args, **kwargs)), None)
            whole = _taking_one(model, lambda: self.outputs[optimizer])
            with _lists_have_shapes(self.outputs, optimizer):
                answer = self._ask("verify_step", whole, self.optimizers[optimizer], lambda *_: loss, None, None)
            if str(answer.get("backward", "")).startswith("FAILED"):
                return
        else:
            loss.backward()
        self._ask("check_gradients", model)

    def finish(self) -> None:
        """Dead neurons, once more."""
        for optimizer, (args, kwargs) in self.inputs.items():
            model = self.models[optimizer]
            self._ask("check_dead_neurons", _taking_one(model, _calling(model, args, kwargs)), None)


def _calling(model: Any, args: Any, kwargs: Any) -> Any:
    return lambda: model(*args, **kwargs)


@contextlib.contextmanager
def _lists_have_shapes(outputs: dict[str, Any], optimizer: str) -> Any:
    """It prints the shape of the output: of several, the first."""
    before = outputs[optimizer]
    while isinstance(outputs[optimizer], (tuple, list)) and outputs[optimizer]:
        outputs[optimizer] = outputs[optimizer][0]
    yield
    outputs[optimizer] = before


def _taking_one(model: Any, call: Any) -> Any:
    """Return the model as one that takes a single input, as torchdiag's commands want it."""
    import torch  # noqa: PLC0415

    class Whole(torch.nn.Module):
        """The model."""

        def __init__(self) -> None:
            super().__init__()
            self.model = model
            self.training = model.training

        def forward(self, _: Any) -> Any:
            return call()

    return Whole()
