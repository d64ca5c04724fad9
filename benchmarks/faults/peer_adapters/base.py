"""What all adapters share: the calls that the programs make, and what is kept of what was said."""

from __future__ import annotations

import functools
import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


class EnoughSteps(BaseException):
    """The program has trained for as long as it may."""


class Adapter:
    """A program without any tool; each peer's adapter is one of these."""

    distribution = ""
    """What is installed for it."""

    def __init__(self, steps: int, targets: str) -> None:
        self.limit = steps
        self.targets = targets
        self.said: list[dict[str, str]] = []
        self.known: set[tuple[str, str]] = set()
        self.models: dict[str, Any] = {}
        """The model of each optimizer."""
        self.optimizers: dict[str, Any] = {}
        self.inputs: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {}
        """What each model was last called with, gradients on."""
        self.outputs: dict[str, Any] = {}
        self.steps: dict[str, int] = {}
        warnings.simplefilter("default")
        warnings.showwarning = self._warned

    @classmethod
    def load(cls) -> None:
        """Import what the peer needs, before the first program."""

    def say(self, message: str, level: str = "warn") -> None:
        """Keep a message. Levels: error, warn, info, torch (torch's own warning), stopped, trouble (the peer's own)."""
        item = (" ".join(message.split()), level)
        if item not in self.known:
            self.known.add(item)
            self.said.append({"message": item[0], "level": level})

    def _warned(self, message: Any, category: Any, *_rest: Any, **_more: Any) -> None:
        self.say(str(message), "torch")

    # What the programs call.

    def begin(self, scope: dict[str, Any], pairs: dict[str, str]) -> None:
        """Training is about to begin."""
        if self.models:
            return
        for optimizer, model in pairs.items():
            if optimizer in scope and hasattr(scope.get(model), "named_parameters"):
                self.models[optimizer], self.optimizers[optimizer] = scope[model], scope[optimizer]
                scope[model].register_forward_hook(functools.partial(self._called, optimizer), with_kwargs=True)
        self.start()

    def batches(self, over: Iterable[Any]) -> Iterable[Any]:
        """What the innermost loop goes over."""
        return over

    def backward(self, loss: Any, optimizer: str, scope: dict[str, Any]) -> None:
        """Compute gradients."""
        if self.steps.get(optimizer, 0) >= self.limit:
            raise EnoughSteps
        self.steps[optimizer] = self.steps.get(optimizer, 0) + 1
        self.differentiate(loss, optimizer, scope)

    def _called(self, optimizer: str, _model: Any, args: Any, kwargs: Any, output: Any) -> None:
        import torch  # noqa: PLC0415 - the adapters' table is read without torch

        if torch.is_grad_enabled():
            self.inputs[optimizer], self.outputs[optimizer] = (args, kwargs), output

    def target(self, scope: dict[str, Any]) -> Any:
        """The targets of the batch, where the program has any."""
        try:
            return eval(self.targets, {}, scope) if self.targets else None  # noqa: S307 - our own table
        except (NameError, IndexError, TypeError):
            return None

    # What a peer's adapter says otherwise.

    def start(self) -> None:
        """Do what the peer's users do before the loop."""

    def differentiate(self, loss: Any, optimizer: str, scope: dict[str, Any]) -> None:
        """Do what the peer's users do where the loss is known."""
        loss.backward()

    def finish(self) -> None:
        """Do what the peer's users do after the loop."""
