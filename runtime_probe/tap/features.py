"""What tells the family of a loss, gathered at the first backward and after the first step."""

from __future__ import annotations

import math
import sys
from math import isnan
from typing import TYPE_CHECKING

from convdiag_lint.events import EventKind
from runtime_probe.tap import (
    data_asked,
    environments,
    keepers,
    living,
    loops,
    modes,
    places,
    planned,
    randomness,
    samplers,
    shifts,
    times,
)

if TYPE_CHECKING:
    from runtime_probe.tap.session import Session

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
    times.note_first(session)
    times.note_time(session)
    shifts.look(session)
    session.targets.clear()


def after_warm_up(session: Session) -> None:
    """The time may have been drawn before the first module ran, when nobody watched yet."""
    if not session.record.features.time_argument:
        times.note_time(session)
    session.record.features.accumulated = _accumulated(session)
    if session.rounds is not None:
        session.record.features.planned_steps = session.rounds // session.record.features.accumulated
    with session.looking("asking a schedule"):
        session.schedules.look_ahead()
    alive = living.found()
    with session.looking("asking what keeps the best weights"):
        session.record.keepers = keepers.among(alive) + keepers.written(places.files())
    with session.looking("reading evaluations"):
        classes = {root.name for root in session.ledger.roots}
        session.record.features.never_in_eval = modes.never_in_eval(places.files(), classes)
    if session.record.features.noised_targets:
        with session.looking("reading samplers"):
            session.record.features.samplers = samplers.written(places.files())
    session.forget_step()
    with session.looking("comparing what a model is asked"):
        session.record.asked_outside = list(session.calls.evaluated.found())
    session.record.masks = session.masks.found()
    session.record.augmentations = session.mirrored.found()
    data_asked.ask(session, alive)
    session.record.idle_terms += session.terms.found()
    session.record.exchanged += session.watch.reshapes.found()
    session.record.features.attention = session.watch.attention.seen
    session.record.features.attention_axis = session.watch.attention.other_axis
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
