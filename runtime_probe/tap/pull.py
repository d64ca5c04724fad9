"""Which way a loss pulls the predictions: towards what the batch holds for them, or away from it.

The gradient at the output of a model says where the loss wants it to go. Whatever the loss is made of, what it wants
lies towards the targets. Targets are parts of the batch that no model is given; what is computed from a part of the
batch stays known as made from it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import torch

from runtime_probe.record import PullRecord
from runtime_probe.tap.agreement import together, towards
from runtime_probe.tap.calls import LABELS
from runtime_probe.tap.places import directly, here
from runtime_probe.tap.statistics import MOST_ANSWERED, answers, tensors
from runtime_probe.tap.terms import terms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from runtime_probe.record import Where
    from runtime_probe.tap.session import Session

_FROM = "_convdiag_from"
_PICKS = frozenset("getitem index_select from_numpy as_tensor tensor".split())
_MOST_TERMS = 6
_MOST = 64
"""Tensors made from the batch in one step, and records."""
_CLEAR = 0.5
"""Of a pull towards a class, or away from it: then labels are classes, and embeddings are not asked about."""
_OF_LOGITS = ("binary_cross_entropy_with_logits", "poisson_nll_loss")
"""Losses that compare a target with something else than the number that they are given."""
_ROWS = 2
"""Dimensions of embeddings (N, D)."""

_Made: TypeAlias = "tuple[torch.Tensor, frozenset[str]]"
"""A tensor, and the keys of the parts of the batch that it was computed from."""


class Pull:
    """Remembers, for one iteration, what was made of the batch and what gradients reached the models' outputs."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.handed_out: list[torch.Tensor] = []
        """The parts of the batch themselves."""
        self.made: list[_Made] = []
        self.given: set[str] = set()
        """Parts of the batch that models were given."""
        self.inputs: set[str] = set()
        """Those of all iterations."""
        self.parts: dict[str, tuple[tuple[int, ...], torch.dtype]] = {}
        """Shape and type of the parts of the batch."""
        self.answered: set[tuple[int, ...]] = set()
        """Shapes of what models returned."""
        self.compared: set[str] = set()
        """Parts of the batch that a loss was computed from."""
        self.outputs: list[tuple[str, torch.Tensor]] = []
        """What models returned, part of the graph."""
        self.gradients: dict[int, torch.Tensor] = {}
        self.predictions: list[tuple[torch.Tensor, torch.Tensor, str, Where]] = []
        """A prediction and its target, the loss function that compared them, and where."""
        self.wishes: dict[int, torch.Tensor] = {}
        """By place in `predictions`: the gradient at the prediction."""
        self.reordered: dict[str, Where] = {}
        """Parts whose rows were brought into another order, and where."""

    def note_batch(self, batch: Any) -> None:
        """A loader has handed out a batch."""
        for name, tensor in tensors(batch):
            self.parts[name] = tuple(tensor.shape), tensor.dtype
            self.handed_out.append(tensor)
            self._note(tensor, frozenset((name,)))

    def note_result(self, name: str, args: Sequence[torch.Tensor], result: Any) -> None:
        """An operation has made something, of the batch or not; without a loader a script picks its own rows."""
        parts: frozenset[str] = frozenset().union(*(getattr(x, _FROM, ()) for x in args))
        if not parts and name in _PICKS and self.session.record.batch.loaders == 0:
            where = directly(4)
            parts = frozenset((f"line {where.line}",)) if where is not None else parts
        if parts:
            self._note_order(name, args, result, parts)
            for _, tensor in tensors(result):
                self._note(tensor, parts)

    def _note_order(self, name: str, args: Sequence[torch.Tensor], result: Any, parts: frozenset[str]) -> None:
        """Rows were picked in another order, all of them."""
        if name not in ("getitem", "index_select") or len(args) != 2 or not isinstance(result, torch.Tensor):
            return
        rows, order = args
        if order.dim() == 1 and order.dtype == torch.long and rows.shape == result.shape and len(result) > 2:
            where = directly(4)
            if where is not None and not torch.equal(rows, result):
                self.reordered.update(dict.fromkeys(parts, where))

    def _note(self, tensor: torch.Tensor, parts: frozenset[str]) -> None:
        setattr(tensor, _FROM, parts)
        fits = 1 < tensor.numel() <= MOST_ANSWERED and not tensor.is_complex()
        if fits and not tensor.requires_grad and len(self.made) < _MOST:
            self.made.append((tensor, parts))

    def note_call(self, module: torch.nn.Module, given: Iterable[tuple[str, torch.Tensor]], output: Any) -> None:
        """An outermost module has returned."""
        for name, tensor in given:
            if name.rpartition(".")[2] not in LABELS:
                self.given |= getattr(tensor, _FROM, set())
        for name, tensor in answers(module, output):
            place = len(self.outputs)
            self.answered.add(tuple(tensor.shape))
            self.outputs.append((name, tensor))
            tensor.register_hook(lambda gradient, place=place: self.gradients.__setitem__(place, gradient.detach()))

    def note_compared(self, given: torch.Tensor, target: torch.Tensor, function: str, where: Where) -> None:
        """A loss function, or a log-probability, has compared a prediction with a target that the batch holds."""
        if not given.requires_grad or target.requires_grad or not getattr(target, _FROM, None):
            return
        if 1 < given.numel() <= MOST_ANSWERED and len(self.predictions) < _MOST:
            place = len(self.predictions)
            self.predictions.append((given, target, function, where))
            given.register_hook(lambda gradient: self.wishes.__setitem__(place, gradient.detach()))

    def around(self, loss: Any, backward: Callable[[], None]) -> None:
        """Run a backward pass, and ask where it pulls."""
        if not self.session.watching:
            backward()
            return
        self.compared |= getattr(loss, _FROM, set())
        if self.session.course.in_phase == 1:
            with self.session.looking("asking where the terms of a loss pull"):
                self._compare_terms(loss)
            self.gradients.clear()
        backward()
        with self.session.looking("asking where a loss pulls"):
            self._compare_predictions()
            # What was made of the batch before the first module ran is watched from the second step on.
            if self.session.course.in_phase:
                self._judge_order(getattr(loss, _FROM, frozenset()))
                self._compare(loss, here(2), term=False)
        self.gradients.clear()

    def _compare_predictions(self) -> None:
        found = self.session.record.pulls
        for place, gradient in self.wishes.items():
            given, target, function, where = self.predictions[place]
            if not gradient.any() or len(found) >= _MOST:
                continue
            pulled = towards(given.detach(), -gradient, target, compared=function not in _OF_LOGITS)
            if pulled is not None:
                part = ", ".join(sorted(getattr(target, _FROM)))
                name = f"the input of {function}"
                found.append(PullRecord(name, part, pulled, where, len(self.session.record.steps), term=True))
        self.wishes.clear()

    def _judge_order(self, parts: frozenset[str]) -> None:
        """Targets in another order than the batch, where no input is; mixup reorders both."""
        if not self.given & self.reordered.keys():
            found = [where for part, where in self.reordered.items() if part in parts]
            self.session.record.features.targets_reordered = next(iter(found), None)

    def _compare_terms(self, loss: Any) -> None:
        """Ask each term of a sum by itself, before the backward pass of all: a large one hides a small one."""
        found = terms(loss)
        if not 1 < len(found) <= _MOST_TERMS or not self.outputs or self.session.record.world_size > 1:
            return
        outputs = [output for _, output in self.outputs]
        for term, sign, where in found:
            gradients = torch.autograd.grad(term, outputs, retain_graph=True, allow_unused=True)
            self.gradients = {place: sign * g for place, g in enumerate(gradients) if g is not None}
            self._compare(term, where, term=True)

    def _compare(self, loss: Any, where: Where, *, term: bool) -> None:
        """Compare the gradients at the models' outputs with the parts of the batch that may be targets."""
        found = self.session.record.pulls
        known = len(found)
        # What a model was given is no target, and a penalty that knows nothing of the target may well pull it down.
        of: frozenset[str] = getattr(loss, _FROM, frozenset())
        targets = [(tensor, parts) for tensor, parts in self.made if parts & of and not parts & self.given]
        for place, gradient in self.gradients.items():
            name, kept = self.outputs[place]
            output = kept.detach()
            if not gradient.any() or tuple(output.shape) in self.session.watch.noise_shapes or len(found) >= _MOST:
                continue
            for target, parts in targets:
                pulled = towards(output, -gradient, target)
                if pulled is not None:
                    part = ", ".join(sorted(parts))
                    found.append(PullRecord(name, part, pulled, where, len(self.session.record.steps), term=term))
        if not any(abs(pull.towards) > _CLEAR for pull in found[known:]):
            self._compare_pairs(targets, where, term=term)

    def _compare_pairs(self, targets: list[_Made], where: Where, *, term: bool) -> None:
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

    def roles(self) -> tuple[set[str], set[str]]:
        """Return the parts of the batch that are inputs, and those that are targets.

        What a diffusion or flow model is to give back it is given as well, with noise, and so is its encoder what a
        variational one is to give back.
        """
        masks = {name for name, part in self.parts.items() if part[1] == torch.bool}
        targets = self.compared - self.inputs - masks
        if self.session.record.features.time_argument or not targets:
            targets |= {name for name in self.inputs if name in self.parts and self.parts[name][0] in self.answered}
        return self.inputs - targets - masks, targets

    def forget(self) -> None:
        """An iteration is over."""
        self.inputs |= self.given
        self.reordered.clear()
        self.predictions.clear()
        self.wishes.clear()
        self.handed_out.clear()
        self.made.clear()
        self.given.clear()
        self.outputs.clear()
        self.gradients.clear()
