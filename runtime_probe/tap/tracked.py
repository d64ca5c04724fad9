"""One optimizer of the script, and what is known of its gradients since its last step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runtime_probe.tap.followers import Followers
from runtime_probe.tap.gradients import Before, norms, total

if TYPE_CHECKING:
    import torch

    from runtime_probe.record import ClipRecord, LossRecord, Where


_DECOUPLED = frozenset(("AdamW", "Lion", "Muon", "Adafactor"))


class Tracked:
    """Gradients, losses and clips of one optimizer between two of its steps."""

    def __init__(self, index: int, optimizer: torch.optim.Optimizer) -> None:
        self.index, self.optimizer = index, optimizer
        self.parameters: list[torch.Tensor] = []
        self.gather()
        self.before: Before | None = None
        self.initial = norms(self.parameters)
        """Norm of each parameter before the first update."""
        self.followers = Followers(self.parameters)
        self.left = False
        """The copy holds the parameters as the last step left them."""
        self.moved_since = 0.0
        """Norm of what has changed them between the last step and this one."""
        self.stale = False
        """Gradients of the step before have not been seen cleared."""
        self.touched = False
        """A backward since the last step has changed the gradients."""
        self.fresh = False
        """A backward has changed the gradients, and nothing has used or cleared them since."""
        self.spent: LossRecord | None = None
        """A loss whose gradients are still here, and that another optimizer has stepped for."""
        self.mingled = False
        """A loss of another line was added to those."""
        self.losses: list[LossRecord] = []
        self.raw: list[float] = []
        """Norm of each gradient after the last backward, as it stood there."""
        self.applied: list[float] = []
        """Norm of each gradient at the last step."""
        self.clips: list[ClipRecord] = []
        self.misplaced: list[ClipRecord] = []
        self.unscaled: Where | None = None
        self.steps = 0
        self.in_step = False
        self.backwards_in_step = 0
        self.reevaluates = False
        """Its step calls a closure several times, as LBFGS does: the gradients left are of another point."""
        self.last_loss = float("nan")
        self.own_rates: list[Any] = []
        """Learning rates that the script had set, while a phase has others in their place."""
        self.largest: list[float] = []
        """Largest norm of each gradient over the baseline."""

    def gather(self) -> None:
        """Look up the parameters of all groups; scripts add groups and unfreeze layers."""
        self.parameters = [p for group in self.optimizer.param_groups for p in group["params"]]
        self.ids = {id(p) for p in self.parameters}

    def gradients(self) -> list[torch.Tensor | None]:
        """Gradient of each parameter as it is now."""
        return [p.grad for p in self.parameters]

    def gradient_norms(self) -> list[float]:
        """Norm of each gradient as it is now; 0 where there is none."""
        return norms(self.gradients())

    def arrivals(self) -> list[tuple[Any, int]]:
        """Each gradient with its version: accumulation makes a new tensor or changes the old one in place.

        Values would not do: the gradient of a sparse reward is exactly 0, and has arrived all the same.
        """
        return [(g, g._version) if g is not None else (None, 0) for g in self.gradients()]

    def rates(self) -> list[float]:
        """Learning rate of each group."""
        return [float(group.get("lr", 0.0)) for group in self.optimizer.param_groups]

    def forget(self) -> None:
        """Begin a new step."""
        self.losses, self.clips, self.misplaced = [], [], []
        self.touched = self.fresh = self.mingled = False
        self.unscaled = self.spent = None
        self.backwards_in_step = 0

    def keep(self) -> None:
        """Copy the parameters as they stand before a step."""
        if self.before is None or len(self.before.parameters) != len(self.parameters):
            self.before = Before(self.parameters)
            self.left = False
        self.moved_since = total(norms(self.before.turn_into_change())) if self.left else 0.0
        self.left = False
        self.before.keep()

    def describe(self) -> dict[str, Any]:
        """Return hyperparameters that the report names."""
        groups = self.optimizer.param_groups
        return {
            "rates": self.rates(),
            "peak_rates": [float(g["initial_lr"]) for g in groups if "initial_lr" in g],
            "weight_decay": max((float(g.get("weight_decay", 0.0) or 0.0) for g in groups), default=0.0),
            "decoupled": type(self.optimizer).__name__ in _DECOUPLED
            or any(bool(g.get("decoupled_weight_decay", False)) for g in groups),
            "betas": [float(beta) for beta in next((g["betas"] for g in groups if "betas" in g), ())],
            "maximize": any(bool(g.get("maximize", False)) for g in groups),
        }
