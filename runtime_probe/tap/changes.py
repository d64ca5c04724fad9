"""The one thing that is changed in a phase, as hands on the script's own objects.

Each change begins, is asked before and after every step, and ends; when it has ended nothing of it is left.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from runtime_probe import phases
from runtime_probe.tap.calls import mapped, zeroed
from runtime_probe.tap.patches import Patches

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime_probe.phases import Phase
    from runtime_probe.record import TensorStatistics
    from runtime_probe.tap.session import Session
    from runtime_probe.tap.tracked import Tracked

_SMALLEST_STD = 1e-6


class Change:
    """Changes nothing: the phase that shows whether everything went back."""

    factor = 1.0
    """By which learning rates are multiplied."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.patches = Patches()

    def begin(self) -> None:
        """Prepare the first step of the phase."""

    def before_step(self, tracked: Tracked) -> None:
        """The gradients are there, and the optimizer is about to use them."""

    def after_step(self, tracked: Tracked) -> None:
        """The optimizer has stepped."""

    def on_forward(self) -> None:
        """A module is called from outside."""

    def end(self) -> None:
        """Take the change back."""
        self.patches.undo()


class Slower(Change):
    """Learning rates ten times smaller."""

    factor = 0.1


class Faster(Change):
    """Learning rates ten times larger."""

    factor = 10.0


class Clipped(Change):
    """A norm of at most 1.0, the default of OpenVLA (arXiv:2406.09246)."""

    def before_step(self, tracked: Tracked) -> None:
        """Clip what the optimizer is about to use."""
        self.session.clipping = True
        try:
            nn.utils.clip_grad_norm_([p for p in tracked.parameters if p.grad is not None], 1.0)
        finally:
            self.session.clipping = False


class Cleared(Change):
    """No gradient lives longer than one step."""

    def after_step(self, tracked: Tracked) -> None:
        """Clear the gradients, as zero_grad does."""
        for parameter in tracked.parameters:
            parameter.grad = None


class NoDecay(Change):
    """No weight decay."""

    def before_step(self, tracked: Tracked) -> None:
        """Set it to 0 for this step."""
        self.kept = [group.get("weight_decay") for group in tracked.optimizer.param_groups]
        for group in tracked.optimizer.param_groups:
            if "weight_decay" in group:
                group["weight_decay"] = 0.0

    def after_step(self, tracked: Tracked) -> None:
        """Set it back."""
        for group, value in zip(tracked.optimizer.param_groups, self.kept, strict=False):
            if "weight_decay" in group:
                group["weight_decay"] = value


class Float32(Change):
    """Autocast switched off, wherever it is entered."""

    def begin(self) -> None:
        """Let every autocast enter as a disabled one."""
        original = torch.autocast.__enter__

        @functools.wraps(original)
        def enter(autocast: Any) -> Any:
            enabled, autocast._enabled = autocast._enabled, False
            try:
                return original(autocast)
            finally:
                autocast._enabled = enabled

        self.patches.replace(torch.autocast, "__enter__", enter)


class NoDropout(Change):
    """Dropout with probability 0 in every module of the models."""

    def begin(self) -> None:
        """Set the probability of each layer that has one."""
        for root in self.session.ledger.roots:
            for module in root.module.modules():
                if isinstance(module, nn.modules.dropout._DropoutNd) and module.p:
                    self.patches.replace(module, "p", 0.0)
                elif isinstance(module, (nn.MultiheadAttention, nn.RNNBase)) and module.dropout:
                    self.patches.replace(module, "dropout", 0.0)


class TrainMode(Change):
    """Every model in train mode, whatever the script says."""

    def begin(self) -> None:
        """Remember the modes."""
        self.modes = [(m, m.training) for r in self.session.ledger.roots for m in r.module.modules()]

    def on_forward(self) -> None:
        """The script may have set it again."""
        for module, _ in self.modes:
            module.training = True

    def end(self) -> None:
        """Restore the modes."""
        for module, training in self.modes:
            module.training = training


class Zeroed(Change):
    """Inputs of zero."""

    def begin(self) -> None:
        """Let every model that is called from outside receive zeros."""
        self.session.calls.change = zeroed

    def end(self) -> None:
        """Let the inputs through."""
        self.session.calls.change = None


class StandardInputs(Change):
    """Each dimension of each input with mean 0 and standard deviation 1 over the script's own first batch."""

    def begin(self) -> None:
        """Let every model that is called from outside receive standardized inputs."""
        known = {s.name: s for s in self.session.record.statistics if s.role == "model input"}
        time = self.session.record.features.time_argument

        def change(call: Any) -> Any:
            def standard(name: str, tensor: torch.Tensor) -> torch.Tensor:
                label = f"{type(call.module).__name__}({name})"
                found = known.get(label)
                # A flow time is no measurement; what carries a graph is no input.
                if found is None or label == time or tensor.requires_grad or not tensor.is_floating_point():
                    return tensor
                return _standardized(tensor, found)

            return mapped(call, standard)

        self.session.calls.change = change

    def end(self) -> None:
        """Let the inputs through."""
        self.session.calls.change = None


class StandardTargets(Change):
    """Each dimension of a squared or absolute error's target with mean 0 and standard deviation 1."""

    def begin(self) -> None:
        """Watch the losses."""
        targets = [s for s in self.session.record.statistics if s.role == "target"]
        self.mode = _Targets(targets)
        self.mode.__enter__()

    def end(self) -> None:
        """Let them be."""
        self.mode.__exit__(None, None, None)


class AllParameters(Change):
    """Parameters that get a gradient and are in no optimizer are trained too."""

    def begin(self) -> None:
        """Add them to the optimizer, as a group of their own."""
        ledger, anchor = self.session.ledger, self.session.course.anchor
        assert anchor is not None
        self.anchor = anchor
        missing = [
            ledger.tensors[key]
            for key, known in ledger.parameters.items()
            if known.optimizer is None and known.requires_grad and known.gradients
        ]
        anchor.optimizer.add_param_group({"params": missing})
        anchor.gather()

    def end(self) -> None:
        """Take the group out again."""
        self.anchor.optimizer.param_groups.pop()
        self.anchor.gather()


class _Targets(TorchFunctionMode):
    """Standardizes what a prediction is compared with."""

    def __init__(self, targets: list[TensorStatistics]) -> None:
        super().__init__()
        self.targets = targets

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "").strip("_")
        losses = {"mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"}
        if name in losses | {"sub", "rsub"} and len(args) >= 2 and all(isinstance(x, torch.Tensor) for x in args[:2]):
            a, b = args[:2]
            if a.requires_grad and not b.requires_grad and a.shape == b.shape:
                args = (a, self._of(b), *args[2:])
            elif b.requires_grad and not a.requires_grad and a.shape == b.shape:
                args = (self._of(a), b, *args[2:])
        return func(*args, **kwargs)

    def _of(self, target: torch.Tensor) -> torch.Tensor:
        for found in self.targets:
            if target.is_floating_point() and list(target.shape[1:]) == found.shape[1:]:
                return _standardized(target, found)
        return target


def _standardized(tensor: torch.Tensor, found: TensorStatistics) -> torch.Tensor:
    """Subtract the mean and divide by the standard deviation of each feature that varies."""
    mean = torch.tensor(found.mean, dtype=torch.float64)
    std = torch.tensor(found.std, dtype=torch.float64)
    std = torch.where(std > _SMALLEST_STD, std, torch.ones_like(std))
    if len(mean) > 1 and tensor.dim() in (4, 5):
        shape = [1, -1, *[1] * (tensor.dim() - 2)]
        mean, std = mean.reshape(shape), std.reshape(shape)
    elif len(mean) > 1 and tensor.shape[-1] != len(mean):
        return tensor
    return ((tensor.double() - mean.to(tensor.device)) / std.to(tensor.device)).to(tensor.dtype)


MAKERS: dict[str, Callable[[Session], Change]] = {
    phases.UNCHANGED.name: Change,
    phases.SLOWER.name: Slower,
    phases.FASTER.name: Faster,
    phases.CLIPPED.name: Clipped,
    phases.FLOAT32.name: Float32,
    phases.STANDARD_INPUTS.name: StandardInputs,
    phases.STANDARD_TARGETS.name: StandardTargets,
    phases.ZEROED.name: Zeroed,
    phases.CLEARED.name: Cleared,
    phases.NO_DROPOUT.name: NoDropout,
    phases.NO_DECAY.name: NoDecay,
    phases.TRAIN_MODE.name: TrainMode,
    phases.ALL_PARAMETERS.name: AllParameters,
}


def make(phase: Phase, session: Session) -> Change:
    """Return the change of a phase, not begun yet."""
    return MAKERS[phase.name](session)
