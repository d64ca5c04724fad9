"""Which way a loss pulls the predictions: towards what the batch holds for them, or away from it.

The gradient at the output of a model, or where a loss function compares it, says where the loss wants it to go.
Whatever the loss is made of, what it wants lies towards the targets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from runtime_probe.record import PullRecord
from runtime_probe.tap import returns, unlearnt
from runtime_probe.tap.agreement import boundless, cancelling, misassigned, only_turned, together, towards
from runtime_probe.tap.contrast import only_together
from runtime_probe.tap.mixes import note as note_mixes
from runtime_probe.tap.parts import parts_of
from runtime_probe.tap.places import here
from runtime_probe.tap.squash import temperature
from runtime_probe.tap.statistics import MOST_ANSWERED, answers
from runtime_probe.tap.terms import mixed, terms
from runtime_probe.tap.unanswered import Unanswered

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime_probe.record import Rewards, Where
    from runtime_probe.tap.parts import Made
    from runtime_probe.tap.session import Session

_MOST_TERMS, _LOOKS = 6, 6
_MOST = 64
"""Records, and predictions of one step."""
_ENOUGH = 32
"""Numbers of an output that get a gradient: of fewer, one may well be the largest part."""
_CLEAR = 0.5
"""Of a pull towards a class, or away from it: then labels are classes, and embeddings are not asked about."""
_OF_LOGITS = ("binary_cross_entropy_with_logits", "poisson_nll_loss")
"""Losses that compare a target with something else than the number that they are given."""
_DISTANCES = frozenset(("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "a difference"))
_ROWS, _VIEWS = 2, 2
"""Dimensions of embeddings (N, D), and sets of them that are compared."""


class Pull:
    """Remembers, for one iteration, what gradients reached the models' outputs and what losses compare."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.outputs: list[tuple[str, torch.Tensor]] = []
        """What models returned, part of the graph."""
        self.gradients: dict[int, torch.Tensor] = {}
        self.predictions: list[tuple[torch.Tensor, torch.Tensor, str, Where]] = []
        """A prediction and its target, the loss function that compared them, and where."""
        self.unanswered = Unanswered(session.record.features)
        self.looks = 0
        """How often returns were looked for."""
        self.wishes: dict[int, torch.Tensor] = {}
        """By place in `predictions`: the gradient at the prediction."""

    def note_call(self, module: torch.nn.Module, output: Any) -> None:
        """An outermost module has returned."""
        for name, tensor in answers(module, output):
            place = len(self.outputs)
            self.outputs.append((name, tensor))
            tensor.register_hook(lambda gradient, place=place: self.gradients.__setitem__(place, gradient.detach()))

    def note_compared(self, given: torch.Tensor, target: torch.Tensor, function: str, where: Where) -> None:
        """A loss function, or a log-probability, has compared a prediction with a target."""
        if given.requires_grad and not target.requires_grad:
            self.session.parts.aimed_at |= parts_of(target)
            self.unanswered.note_compared(given, target, where, (output for _, output in self.outputs))
        if given.requires_grad and 1 < given.numel() <= MOST_ANSWERED and len(self.predictions) < _MOST:
            place = len(self.predictions)
            self.predictions.append((given, target, function, where))
            given.register_hook(lambda gradient: self.wishes.__setitem__(place, gradient.detach()))

    def note_difference(self, given: torch.Tensor, target: torch.Tensor, where: Where) -> None:
        """A target was subtracted from a prediction, or the other way round; what becomes of it is not known yet."""
        if not parts_of(target) & self.session.parts.given:
            self.unanswered.note_compared(given, target, where, (output for _, output in self.outputs))

    def around(self, loss: Any, backward: Callable[[], None]) -> None:
        """Run a backward pass, and ask where it pulls."""
        if not self.session.watching:
            backward()
            return
        if self.session.course.in_phase == 1:
            with self.session.looking("asking where the terms of a loss pull"):
                features = self.session.record.features
                features.mixed_reductions = features.mixed_reductions or mixed(loss)
                self._compare_terms(loss)
            self.gradients.clear()
        backward()
        with self.session.looking("asking which samples count"):
            self._note_largest()
            self._note_unlearnt(here(2))
            self.unanswered.note_backward(loss)
        with self.session.looking("asking what a loss wants of latents"):
            self.session.noise.latents.note_backward()
        with self.session.looking("asking what times belong to"):
            note_mixes(self.session)
        with self.session.looking("asking what a loss wants of pairs"):
            features = self.session.record.features
            features.mining = features.mining or self.session.watch.mining.found()
        with self.session.looking("asking what returns were made of"):
            self._note_returns(self.session.record.rewards)
        with self.session.looking("asking where a loss pulls"):
            self.session.parts.note_loss(loss)
            self.session.masks.note_backward(here(2))
            self.session.mirrored.note_loss(loss)
            self._compare_predictions()
            # What was made of the batch before the first module ran is watched from the second step on.
            if self.session.course.in_phase:
                self._compare(loss, here(2), term=False)
        self.gradients.clear()

    def _note_returns(self, rewards: Rewards) -> None:
        # Transitions that were sampled have nothing to do with the rows beside them.
        if rewards.count and rewards.returns is None and rewards.backup is None and self.looks < _LOOKS:
            self.looks += 1
            rewards.returns = returns.look(self.session.watch.picked, self.session.policy.rollout())
        if rewards.count and not rewards.temperature:
            rewards.temperature = temperature(p for t in self.session.tracked for p in t.parameters)
        if 2 * rewards.fractions > rewards.count and not rewards.stored_whole:
            rewards.stored_whole = returns.cut_off()

    def _note_largest(self) -> None:
        """How much of the gradient at an output belongs to one number of the script's own batch?"""
        features = self.session.record.features
        for gradient in self.gradients.values() if self.session.course.in_phase == 0 else ():
            sizes = gradient.double().abs().flatten()
            if int((sizes > 0).sum()) >= _ENOUGH and bool(sizes.isfinite().all()):
                share = float(sizes.max() / sizes.sum())
                features.top_gradient = max(share, features.top_gradient or 0.0)

    def _note_unlearnt(self, where: Where) -> None:
        given = [tensor for call in self.session.calls.outer.values() for _, tensor in call.named()]
        for place, gradient in self.gradients.items():
            unlearnt.note(self.session.record.features.unlearnt, self.outputs[place][0], gradient, given, where)

    def _compare_predictions(self) -> None:
        found = self.session.record.pulls
        for place, gradient in self.wishes.items():
            given, target, function, where = self.predictions[place]
            if target.requires_grad or not parts_of(target) or not gradient.any() or len(found) >= _MOST:
                continue
            self._note_cancelling(given.detach(), gradient, target, where)
            pulled = towards(given.detach(), -gradient, target, compared=function not in _OF_LOGITS)
            if pulled is not None:
                part = ", ".join(sorted(parts_of(target)))
                name = f"the input of {function}"
                made = PullRecord(name, part, pulled, where, len(self.session.record.steps), term=True)
                made.distance = function in _DISTANCES
                found.append(made)
        self.wishes.clear()

    def _compare_terms(self, loss: Any) -> None:
        """Ask each term of a sum by itself, before the backward pass of all: a large one hides a small one."""
        found = terms(loss)
        if not 1 < len(found) <= _MOST_TERMS or not self.outputs or self.session.record.world_size > 1:
            return
        outputs = [output for _, output in self.outputs]
        for term in found:
            gradients = torch.autograd.grad(term.value, outputs, retain_graph=True, allow_unused=True)
            self.gradients = {place: term.sign * g for place, g in enumerate(gradients) if g is not None}
            self._compare(term.value, term.where, term=True)

    def _compare(self, loss: Any, where: Where, *, term: bool) -> None:
        """Compare the gradients at the models' outputs with the parts of the batch that may be targets."""
        found = self.session.record.pulls
        known = len(found)
        # What a model was given is no target, and a penalty that knows nothing of the target may well pull it down.
        targets = self.session.parts.targets(loss)
        for place, gradient in self.gradients.items():
            name, kept = self.outputs[place]
            output = kept.detach()
            if not gradient.any() or tuple(output.shape) in self.session.noise.shapes or len(found) >= _MOST:
                continue
            self._note_misassigned(-gradient, [target for target, _ in targets], where)
            read = self.session.record.batch.loaders > 0
            own = self.session.parts.reconstructed(loss, tuple(output.shape)) if read and not targets else []
            self._note_variances(output, gradient, own or [target for target, _ in targets], where)
            for target, parts in targets:
                self._note_cancelling(output, gradient, target, where)
                if not term and only_turned(output, -gradient, target):
                    self.session.record.features.only_turned = where
                pulled = towards(output, -gradient, target)
                if pulled is not None:
                    part = ", ".join(sorted(parts))
                    made = PullRecord(name, part, pulled, where, len(self.session.record.steps), term=term)
                    made.numbers = int((gradient != 0).sum()) if target.is_floating_point() else 0
                    found.append(made)
        if not targets and not term:
            self._note_together(where)
        if not any(abs(pull.towards) > _CLEAR for pull in found[known:]):
            self._compare_pairs(targets, where, term=term)

    def _note_misassigned(self, wanted: torch.Tensor, targets: list[torch.Tensor], where: Where) -> None:
        classes = [t for t in targets if t.dim() > 1 and not t.is_floating_point() and t.dtype != torch.bool]
        features = self.session.record.features
        if wanted.dim() > _ROWS and classes and features.misassigned is None and misassigned(wanted, classes):
            features.misassigned = where

    def _note_cancelling(self, given: torch.Tensor, gradient: torch.Tensor, target: torch.Tensor, where: Where) -> None:
        features = self.session.record.features
        if features.errors_cancel is None and cancelling(given, -gradient, target):
            features.errors_cancel = where

    def _note_variances(
        self, output: torch.Tensor, gradient: torch.Tensor, targets: list[torch.Tensor], where: Where
    ) -> None:
        """Does the loss drive another output of the model one way?"""
        features = self.session.record.features
        spreads = [(self.outputs[place][1].detach(), g) for place, g in self.gradients.items() if g is not gradient]
        for target in targets:
            for spread, rate in spreads:
                if spread.shape == output.shape and rate.any() and boundless(output, target, spread, rate):
                    features.boundless.append(where)

    def _note_together(self, where: Where) -> None:
        """A loss without targets: does anything keep the embeddings of two views from being all the same?"""
        rows = [(output.detach(), g) for place, (_, output) in enumerate(self.outputs)
                if (g := self.gradients.get(place)) is not None and output.dim() == _ROWS and g.any()]  # fmt: skip
        pair = len(rows) == _VIEWS and only_together(rows[0][0], -rows[0][1], rows[1][0], -rows[1][1])
        if pair or self.session.watch.contrast.collapses():
            self.session.record.features.only_together = where

    def _compare_pairs(self, targets: list[Made], where: Where, *, term: bool) -> None:
        """Embeddings: does the loss pull those of one label together, and those of different labels apart?"""
        alike: dict[tuple[str, int], list[int]] = {}
        for place in self.gradients:
            name, output = self.outputs[place]
            if output.dim() == _ROWS:
                alike.setdefault((name, output.shape[1]), []).append(place)
        found = self.session.record.pulls
        for (name, _), places in alike.items():
            rows = torch.cat([self.outputs[place][1].detach() for place in places]).double()
            wanted = -torch.cat([self.gradients[place] for place in places]).double()
            for target, parts in targets:
                labels = target.dim() == 1 and not target.is_floating_point() and target.dtype != torch.bool
                if not labels or len(target) * len(places) != len(rows) or len(found) >= _MOST:
                    continue
                pulled = together(rows, wanted, target.repeat(len(places)))
                if pulled is not None:
                    part = ", ".join(sorted(parts))
                    found.append(PullRecord(name, part, pulled, where, len(self.session.record.steps), term=term))

    def forget(self) -> None:
        """An iteration is over."""
        self.unanswered.forget()
        self.predictions.clear()
        self.wishes.clear()
        self.outputs.clear()
        self.gradients.clear()
