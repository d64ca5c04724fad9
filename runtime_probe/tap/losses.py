"""Calls of loss functions, and differences that are squared or made absolute: what was compared with what."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch

from runtime_probe.record import LossCall
from runtime_probe.tap.backups import Backups
from runtime_probe.tap.between import maker
from runtime_probe.tap.classes import describe_classes
from runtime_probe.tap.places import here
from runtime_probe.tap.rewards import reward_share, unread_ends
from runtime_probe.tap.statistics import describe, follows

if TYPE_CHECKING:
    from runtime_probe.tap.session import Session

LOSS_FUNCTIONS = frozenset(
    "cross_entropy nll_loss binary_cross_entropy binary_cross_entropy_with_logits mse_loss l1_loss smooth_l1_loss"
    " huber_loss kl_div gaussian_nll_loss poisson_nll_loss hinge_embedding_loss margin_ranking_loss"
    " cosine_embedding_loss triplet_margin_loss ctc_loss multi_margin_loss soft_margin_loss".split()
)
_ELEMENTWISE = frozenset("mse_loss l1_loss smooth_l1_loss huber_loss kl_div poisson_nll_loss".split())
"""Losses that compare element by element, and broadcast."""
_ONE_WAY = frozenset("binary_cross_entropy binary_cross_entropy_with_logits cross_entropy nll_loss".split())
"""Losses whose input is what is learnt, and whose target is what it is to be."""
_DIFFERENCE = "_convdiag_difference"
_IGNORED = -100
_MASKS = 3
"""Dimensions of the classes of pixels (N, H, W)."""
"""A label that does not count, whatever index the script has for it."""


class Losses:
    """Describes what losses compare while the session is watching."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.backups = Backups(session)
        self.cut_from: torch.Tensor | None = None
        """What the last labels (N) are a view of."""

    def note_loss(self, name: str, args: Any, kwargs: Any, result: Any) -> None:
        """A loss function of torch was called."""
        given = args[0] if args else kwargs.get("input")
        target = args[1] if len(args) > 1 else kwargs.get("target")
        if not isinstance(given, torch.Tensor) or not isinstance(target, torch.Tensor):
            return
        record = self.session.record
        if name not in record.features.loss_functions:
            record.features.loss_functions.append(name)
        call = _call(name, given, target, result, len(record.steps))
        if name in ("cross_entropy", "nll_loss") and not target.is_floating_point():
            weight = kwargs.get("weight", args[2] if len(args) > 2 else None)
            smoothing = kwargs.get("label_smoothing", args[7] if len(args) > 7 else 0.0)
            call.weighted = weight is not None or bool(smoothing)
            call.smoothing = float(smoothing)
            describe_classes(call, given, target, weight)
            self.session.watch.contrast.describe(call, given, target)
            self.session.padding.note_loss(
                target,
                ignored=kwargs.get("ignore_index", args[4] if len(args) > 4 else -100),
                kept_apart=call.weighted or not isinstance(result, torch.Tensor) or result.dim() > 0,
            )
        if name in _ELEMENTWISE:
            call.reward_share = reward_share(target)
            self._note_rewards(given, target)
        self.session.noise.note_target(target)
        self.session.pull.note_compared(given, target, name, call.where)
        positive = kwargs.get("pos_weight", args[5] if len(args) > 5 else None)
        if name == "binary_cross_entropy_with_logits" and isinstance(positive, torch.Tensor) and positive.numel() == 1:
            shares = torch.stack([(target < 0.5).sum(), (target >= 0.5).sum()])
            call.weights_follow = follows(torch.stack([torch.ones_like(positive), positive]).flatten(), shares)
        if call.classes:
            index = kwargs.get("ignore_index", args[4] if len(args) > 4 else -100)
            # Sequences have padding and pixels have borders; the one label of a sample is what somebody gave it.
            if target.dim() == 1 and any(part.shape == target.shape for part in self.session.parts.handed_out):
                call.ignored = float((target == index).float().mean())
            elif target.dim() == _MASKS and 0 <= index < call.classes:
                call.ignored_pixels = float((target == index).float().mean())
            self.cut_from = target._base if target.dim() == 1 else None
            target = target.masked_fill(target == index, _IGNORED)
        call.swapped = name in _ONE_WAY and target.requires_grad and not given.requires_grad
        if call.swapped:
            self._keep(call, target)
        if given.requires_grad:
            call.target_learns = name in _ELEMENTWISE and target.grad_fn is not None
            if call.classes:
                call.scrambled = self.session.calls.between.scrambled(given, call.classes)
            self._keep(call, target)
        if name in _ELEMENTWISE and given.requires_grad != target.requires_grad and _spreads(given, target):
            self._note_broadcast(call)

    def _note_rewards(self, given: torch.Tensor, target: torch.Tensor) -> None:
        """What was computed before the first module ran is watched from the second step on."""
        rewards, watch = self.session.record.rewards, self.session.watch
        if self.session.course.in_phase and rewards.count and not rewards.ends_unread:
            rewards.ends_unread = unread_ends(target, watch.read)
        if given.requires_grad:
            self.backups.look(target, given)

    def _keep(self, call: LossCall, target: torch.Tensor) -> None:
        record = self.session.record
        same = [c for c in record.loss_calls if (c.function, str(c.where)) == (call.function, str(call.where))]
        if len(same) < 3:
            record.loss_calls.append(call)
        if not same:
            statistics = describe("target", call.function, target)
            statistics.where = call.where
            record.statistics.append(statistics)
        self.session.note_target(target)

    def _broadcast(self, call: LossCall) -> None:
        a, b = call.input_shape, call.target_shape
        column = len(a) == 2 and len(b) == 1 and a == [b[0], 1] and b[0] > 1
        row = len(b) == 2 and len(a) == 1 and b == [a[0], 1] and a[0] > 1
        if column or row:
            self._note_broadcast(call)

    def _note_broadcast(self, call: LossCall) -> None:
        known = {str(c.where) for c in self.session.record.broadcasts}
        if str(call.where) not in known:
            self.session.record.broadcasts.append(call)

    def note_difference(self, a: Any, b: Any, result: Any) -> None:
        """A prediction and a target were subtracted: that may become an error."""
        if not (isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor)) or not result.requires_grad:
            return
        if a.requires_grad == b.requires_grad:
            return
        given, target = (a, b) if a.requires_grad else (b, a)
        if given.dim() == 0 or target.dim() == 0:
            return
        where = here(4)
        setattr(result, _DIFFERENCE, (given, target, where))
        self.session.pull.note_difference(given, target, where)
        if given.shape != target.shape:
            self._broadcast(_call("subtract", given, target, None, len(self.session.record.steps)))

    def note_scaled(self, args: Any, result: Any) -> None:
        """A difference was multiplied by a mask or a weight, or divided by a standard deviation: it stays one."""
        for x, other in ((args[0], args[1]), (args[1], args[0])):
            difference = getattr(x, _DIFFERENCE, None)
            if difference is None:
                continue
            if isinstance(other, (int, float)) or (isinstance(other, torch.Tensor) and not bool((other < 0).any())):
                setattr(result, _DIFFERENCE, difference)

    def note_error(self, name: str, args: Any, result: Any) -> None:
        """A difference was squared, made absolute, or added up before it was."""
        difference = getattr(args[0], _DIFFERENCE, None)
        if difference is None:
            return
        given, target, where = difference
        if name in ("mean", "sum"):
            self.session.pull.note_compared(given, target, "a difference", where)
            return
        if name == "pow" and not (len(args) > 1 and args[1] == 2):
            return
        if name == "mul" and not (len(args) > 1 and args[1] is args[0]):
            return
        call = _call("subtract", given, target, result.mean(), len(self.session.record.steps))
        call.where = where
        if "subtract" not in self.session.record.features.loss_functions:
            self.session.record.features.loss_functions.append("subtract")
        self.session.noise.note_target(target)
        self._note_rewards(given, target)
        self._keep(call, target)
        self.session.pull.note_compared(given, target, "a difference", where)


def _call(name: str, given: torch.Tensor, target: torch.Tensor, result: Any, step: int) -> LossCall:
    value = float(result) if isinstance(result, torch.Tensor) and result.numel() == 1 else math.nan
    return LossCall(
        function=name,
        value=value,
        where=here(4),
        input_shape=list(given.shape),
        target_shape=list(target.shape),
        input_minimum=float(given.min()) if given.numel() else 0.0,
        input_maximum=float(given.max()) if given.numel() else 0.0,
        target_minimum=float(target.min()) if target.numel() else 0.0,
        target_maximum=float(target.max()) if target.numel() else 0.0,
        target_dtype=str(target.dtype).removeprefix("torch."),
        made_by=maker(given.grad_fn),
        step=step,
    )


def _becomes_table(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Whether broadcasting pairs more than either holds; equal ranks are meant: pairs of quantiles, distances."""
    if a.dim() == b.dim() or not a.dim() or not b.dim():
        return False
    return math.prod(torch.broadcast_shapes(a.shape, b.shape)) > max(a.numel(), b.numel())


def _spreads(a: torch.Tensor, b: torch.Tensor) -> bool:
    return _becomes_table(a, b) or _stretched(a, b)


def _stretched(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Whether one of two tensors of equal rank is repeated to be as large as the other: loss functions warn of it."""
    if a.dim() != b.dim() or a.shape == b.shape:
        return False
    return math.prod(torch.broadcast_shapes(a.shape, b.shape)) == max(a.numel(), b.numel())
