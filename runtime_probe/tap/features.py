"""What tells the family of a loss, gathered at the first backward and after the first step."""

from __future__ import annotations

import functools
import math
import sys
from math import isnan
from typing import TYPE_CHECKING, Any

import torch

from convdiag_lint.events import EventKind
from runtime_probe.tap import (
    again,
    augmentations,
    environments,
    ignored,
    loops,
    places,
    planned,
    randomness,
    relations,
    times,
)
from runtime_probe.tap.calls import LABELS

if TYPE_CHECKING:
    from runtime_probe.tap.session import Session

_SHIFTED, _BEYOND_CHANCE = 0.5, 0.2
"""Share of labels that are the inputs, one position on, and by how much it is above that with other samples."""
_GAMMA = ("gamma", "discount", "discount_factor")


def at_first_backward(session: Session) -> None:
    """The script has imported what it needs and built its model."""
    randomness.watch_numpy(session.patches)
    calls = session.record.features.calls
    for name in ("gymnasium", "gym"):
        if name in sys.modules:
            calls["environment"] = 1
    environments.find(session, at_hand=True)
    value, name = _gamma()
    session.record.rewards.gamma, session.record.rewards.gamma_name = value, name
    session.record.features.planned_steps = planned.steps()
    if session.record.framework in {"raw", "accelerate"}:
        session.rounds = loops.rounds(places.user_frames(2))
    session.record.batch.limits = planned.limits()


def _gamma() -> tuple[float | None, str]:
    """Discount factor, by the names that scripts give it, in the functions that are running."""
    for frame in places.user_frames(2):
        for scope in (frame.f_locals, frame.f_globals):
            for name in _GAMMA:
                if isinstance(scope.get(name), float):
                    return scope[name], name
            for holder in ("args", "cfg", "config", "self", "hparams", "opt"):
                for name in _GAMMA:
                    value = getattr(scope.get(holder), name, None)
                    if isinstance(value, float) and 0.0 < value <= 1.0:
                        return value, f"{holder}.{name}"
    return None, ""


def after_first_step(session: Session) -> None:
    """Look for a time among the inputs, and for targets that are the inputs, one position on."""
    times.note_likeness(session)
    times.note_time(session)
    _shifted(session)
    session.targets.clear()


def after_warm_up(session: Session) -> None:
    """The time may have been drawn before the first module ran, when nobody watched yet."""
    if not session.record.features.time_argument:
        times.note_time(session)
    if session.rounds is not None:
        session.record.features.planned_steps = session.rounds // _accumulated(session)
    with session.looking("asking a schedule"):
        session.schedules.look_ahead()
    session.forget_step()
    session.record.masks = session.masks.found()
    session.record.augmentations = session.mirrored.found()
    loader = session.feed.first() if session.feed.first is not None else None
    if loader is not None and session.record.rank == 0:
        with session.looking("relating targets to inputs"):
            session.record.relations = relations.look(loader, *session.parts.roles())
        with session.looking("asking for the same samples again"):
            parts, draws = session.parts, again.draw(loader)
            session.record.augmentations += augmentations.compare(draws, parts.inputs, parts.compared - parts.inputs)
            session.record.batch.drifting = again.drifting(draws)
    session.record.idle_terms += session.terms.found()
    session.record.exchanged += session.watch.reshapes.found()
    values = [loss.value for step in session.record.steps for loss in step.losses]
    features = session.record.features
    kept = []
    for event in session.record.events:
        if event.kind == EventKind.CHECK_FINITE.value:
            value = event.attributes.pop("value")
            both_nan = isnan(value) and any(map(isnan, values))
            if not both_nan and not any(math.isclose(value, loss, rel_tol=1e-6) for loss in values):
                continue  # of something else than the loss
            if str(event.where) not in {str(w) for w in features.finite_checks}:
                features.finite_checks.append(event.where)
        kept.append(event)
    session.record.events = kept


def _accumulated(session: Session) -> int:
    """Backward passes at one line for each update."""
    losses = session.record.steps[-1].losses if session.record.steps else []
    return max(1, sum(loss.where == losses[0].where for loss in losses))


def _shifted(session: Session) -> None:
    for target, outside in session.targets:
        for call in session.calls.outer.values():
            for name, tensor in call.named():
                if tensor.is_floating_point() or tensor.dim() != 2 or target.numel() < 2:
                    continue
                # (n, t) or, as in older code, (t, n); targets may be flattened.
                if target.numel() == tensor.numel():
                    flat = target.reshape(tensor.shape)
                    along_time = _share(flat[:, :-1], tensor[:, 1:], 0) if tensor.shape[1] > 1 else 0.0
                    along_rows = _share(flat[:-1], tensor[1:], 1) if tensor.shape[0] > 1 else 0.0
                    if max(along_time, along_rows) > _SHIFTED:
                        session.record.features.targets_are_shifted = True
                        session.batch_first = along_time > _SHIFTED
                        session.shifted.add(name)
                        if along_time > max(along_rows, _SHIFTED):
                            _note_ignored(session, flat, tensor)
                    two = _share(flat[:, :-2], tensor[:, 2:]) if tensor.shape[1] > 2 else 0.0
                    if two > 0.95 and max(along_time, along_rows) < _SHIFTED:
                        session.record.features.targets_are_shifted_twice = True
                    # Labels that a model computes its loss from are no inputs; those that a decoder is given are.
                    if _share(flat, tensor) == 1.0 and (outside or name not in LABELS):
                        session.record.features.targets_are_inputs = True
                elif target.numel() == tensor.shape[0] * (tensor.shape[1] - 1):
                    rows = target.reshape(tensor.shape[0], -1)
                    shifted = _share(rows, tensor[:, 1:], 0) > _SHIFTED
                    session.record.features.targets_are_shifted |= shifted
                    session.shifted |= {name} if shifted else set()
                    if shifted:
                        _note_ignored(session, rows, tensor[:, :-1])
                    twice = not shifted and _share(rows[:, :-1], tensor[:, 2:]) > 0.95
                    session.record.features.targets_are_shifted_twice |= twice


def _note_ignored(session: Session, labels: torch.Tensor, tokens: torch.Tensor) -> None:
    features = session.record.features
    features.end_not_learnt = ignored.end_not_learnt(labels, tokens)
    features.answers_ignored = ignored.answers_ignored(labels, tokens)


def _share(a: torch.Tensor, b: torch.Tensor, samples: int | None = None) -> float:
    """Share of equal entries among those that count (labels below 0 are ignored by losses).

    With the dimension of the samples: 0 where other samples fit nearly as well, as small whole numbers do.
    """
    counts = a >= 0
    if not bool(counts.any()) or a.shape != b.shape:
        return 0.0
    share = float((a == b)[counts].float().mean())
    if samples is None or a.shape[samples] < 2 or torch.equal(b, b.roll(1, samples)):
        return share
    chance = float((a == b.roll(1, samples))[counts].float().mean())
    return share if share - chance > _BEYOND_CHANCE else 0.0


def count_distributions(session: Session) -> None:
    """Count log_prob and sample of torch's distributions while the session watches."""
    seen: set[int] = set()
    classes = [torch.distributions.Distribution]
    for cls in classes:
        classes += [c for c in cls.__subclasses__() if c not in classes]
        for name in ("log_prob", "sample", "rsample"):
            original = vars(cls).get(name)
            if original is not None and id(original) not in seen:
                session.patches.replace(cls, name, _counted(session, name, original))
                seen.add(id(original))


def _counted(session: Session, name: str, original: Any) -> Any:

    @functools.wraps(original)
    def counted(self: Any, *args: Any, **kwargs: Any) -> Any:
        session.policy.depth += 1
        try:
            made = original(self, *args, **kwargs)
        finally:
            session.policy.depth -= 1
        # Independent, transformed and mixed distributions ask those within them.
        if session.watching and session.active and not session.policy.depth:
            calls = session.record.features.calls
            key = name
            if name == "log_prob" and not (isinstance(made, torch.Tensor) and made.requires_grad):
                key = "log_prob without gradient"
            elif name == "log_prob":
                session.policy.note_log_probability(made)
                with session.looking("asking a distribution for its mean"):
                    _note_likelihood(session, self, args)
            calls[key] = calls.get(key, 0) + 1
        return made

    return counted


def _note_likelihood(session: Session, distribution: Any, args: Any) -> None:
    """A likelihood compares the mean, or the logits, with what was observed."""
    inner = getattr(distribution, "base_dist", distribution)
    name = "logits" if isinstance(inner, torch.distributions.Categorical) else "loc"
    given = vars(inner).get(name)
    if isinstance(given, torch.Tensor) and args and isinstance(args[0], torch.Tensor):
        session.pull.note_compared(given, args[0], f"{type(distribution).__name__}.log_prob", places.here(3))


def watch_math(session: Session) -> None:
    """Let math.isnan, isinf and isfinite tell which numbers they were asked of: `loss.item()` is checked so."""
    for name in ("isnan", "isinf", "isfinite"):
        session.patches.replace(math, name, _told(session, getattr(math, name)))


def _told(session: Session, original: Any) -> Any:
    @functools.wraps(original)
    def told(value: Any) -> bool:
        made: bool = original(value)
        if session.watching and session.active:
            where = places.directly(2)
            if where is not None:
                session.on_finite_check(where, float(value))
        return made

    return told
