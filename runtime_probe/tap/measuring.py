"""What one update was: its loss, its gradients, what it did to the parameters, and the first NaN."""

from __future__ import annotations

import math
import time
from math import isfinite, isnan
from typing import TYPE_CHECKING, Any

import torch

from runtime_probe import record as records
from runtime_probe.record import LossRecord, NonFinite, StepRecord, Where
from runtime_probe.tap import gradients, places
from runtime_probe.tap.scaling import scale_of
from runtime_probe.tap.statistics import digest

if TYPE_CHECKING:
    from runtime_probe.tap.session import Session
    from runtime_probe.tap.tracked import Tracked

_ASKED = 5
"""Steps of the baseline after which it is looked whether something else changes the parameters; a copy each."""
_DRAWN = 0.5
"""Share of parameters other than 0 at the start: a head that begins at 0 is shorter than any update."""


def loss_record(loss: Any) -> LossRecord | None:
    """Describe what a backward pass starts from; None if it is no tensor."""
    if not isinstance(loss, torch.Tensor) or not loss.numel():
        return None
    scale = scale_of(loss)
    value = float(loss.detach().sum()) / scale if not loss.is_complex() else math.nan
    made_at = getattr(loss, places.MADE_AT, Where())
    return LossRecord(value, scale, places.here(3), made_at, _chain(loss.grad_fn), loss.requires_grad, loss.numel())


def step_record(session: Session, tracked: Tracked, where: Where) -> StepRecord:
    """Describe the update that an optimizer has just made, or that a scaler has left out."""
    applied_norms = tracked.applied = tracked.gradient_norms()
    raw = tracked.raw if len(tracked.raw) == len(applied_norms) else applied_norms
    scale = tracked.losses[-1].scaled_by if tracked.losses else 1.0
    applied, grad_norm = gradients.total(applied_norms), gradients.total(raw) / scale
    if not tracked.steps:
        # Nobody knew this optimizer when its gradients came.
        grad_norm = tracked.clips[0].norm if tracked.clips else applied
    still_scaled = scale != 1.0 and session.scaling is None and tracked.unscaled is None and applied > 0
    if session.scaling is not None and tracked.unscaled is None:
        applied /= scale if math.isclose(applied, grad_norm * scale, rel_tol=1e-3) else 1.0
    # Closures that are called again compute losses of points on the way; the first is of the start.
    again = tracked.reevaluates = tracked.backwards_in_step > 1
    losses = tracked.losses[:1] if again else tracked.losses
    loss = sum(item.value for item in losses) if losses else math.nan
    step = StepRecord(
        number=sum(s.optimizer == tracked.index and s.phase == session.course.phase for s in session.record.steps),
        phase=session.course.phase,
        optimizer=tracked.index,
        loss=loss,
        losses=losses,
        rates=tracked.rates(),
        grad_norm=grad_norm,
        applied_norm=applied,
        update_norm=0.0,
        parameter_norm=0.0,
        predicted=math.nan,
        clips=tracked.clips,
        misplaced_clips=tracked.misplaced,
        cleared=None if not tracked.steps or not tracked.touched else not tracked.stale,
        mingled=tracked.mingled,
        scale=scale,
        still_scaled=still_scaled,
        batch_hash=_batch_digest(session),
        seconds=time.monotonic() - session.step_started,
        where=where,
    )
    session.step_started = time.monotonic()
    tracked.last_loss = loss
    if not tracked.steps and not again:
        if tracked.before is not None:  # else a scaler left the first one out
            session.record.optimizers[tracked.index].first_length = _first_length(tracked.before)
    elif session.course.phase == records.BASELINE or session.change is not None:
        if session.course.phase == records.BASELINE:
            session.ledger.note_gradients(tracked, [n / scale for n in raw])
        if tracked.before is not None:
            _measure_change(session, tracked, step, raw, scale)
        if again:
            step.predicted = math.nan  # the gradients that are there belong to another point
        if (
            session.course.phase == records.BASELINE
            and tracked.before is not None
            and not session.experiments.must_trace
        ):
            step.moved_since = tracked.moved_since
            if step.number < _ASKED:
                tracked.before.keep()
                tracked.left = True
        step.parameter_norm = gradients.total(held := gradients.norms([p.detach() for p in tracked.parameters]))
        step.parameter_hash = sum(held).hex()
        if not isfinite(step.parameter_norm):
            not_finite(session, step.parameter_norm, NonFinite("parameter"))
    return step


def _first_length(before: gradients.Before) -> float | None:
    """Length of the first update over that of the parameters before; None where most of them were zero."""
    drawn = sum(int(torch.count_nonzero(gradients.dense(copy))) for copy in before.copies)
    start = gradients.total(gradients.norms(before.copies))
    update = gradients.total(gradients.norms(before.turn_into_change()))
    return update / start if drawn > _DRAWN * sum(p.numel() for p in before.parameters) else None


def _measure_change(session: Session, tracked: Tracked, step: StepRecord, raw: list[float], scale: float) -> None:
    """Fill in what the update did, and what the gradient says it does to the loss."""
    assert tracked.before is not None
    if session.experiments.must_trace:
        return  # the copy is needed to go back
    change = tracked.before.turn_into_change()
    sizes = gradients.norms(change)
    step.update_norm = gradients.total(sizes)
    inner = gradients.dots(tracked.gradients(), change)
    # The loss falls along its own gradient: what clipping and scaling did to it is taken back.
    step.predicted = -sum(
        value * (before / scale / after) if after else 0.0
        for value, before, after in zip(inner, raw, tracked.applied, strict=True)
    )
    if session.course.phase == records.BASELINE:
        session.ledger.note_change(tracked, change, sizes)


def _batch_digest(session: Session) -> str:
    if not session.digest:
        # What comes from a module that learns changes with it, though the batch stays the same.
        found = [t for call in session.calls.outer.values() for _, t in call.named() if not t.requires_grad]
        session.digest = digest(found[:16]) if found else ""
    return session.digest


def check_gradients(session: Session, tracked: Tracked, norms: list[float], scale: float) -> None:
    """Note the first gradient that is not finite."""
    for place, value in enumerate(norms):
        if isfinite(value):
            continue
        if scale != 1.0:
            return  # a gradient scaler is there to deal with it
        name = session.ledger.name_of(tracked.parameters[place])
        not_finite(session, value, NonFinite("gradient", name=name, during="backward"))
        return


def not_finite(session: Session, value: float, found: NonFinite) -> None:
    """Note the first NaN or infinity of its kind, with the operation where it began if that was seen."""
    tried = session.course.phase not in (records.WARM_UP, records.BASELINE)
    if tried or any(item.what == found.what for item in session.record.nonfinite):
        return
    found.step, found.value = len(session.record.steps), "nan" if isnan(value) else "inf"
    origin = session.watch.origin() if session.watching and found.during == "forward" else None
    if origin is not None:
        found.operation, found.module, found.where = origin.operation, origin.module, origin.where
    session.record.nonfinite.append(found)
    if origin is None and session.course.phase == records.BASELINE:
        session.experiments.must_trace = True


def _chain(node: Any) -> str:
    """Names of autograd nodes from a loss inwards, along their first inputs."""
    names: list[str] = []
    while node is not None and len(names) < 6:
        names.append(node.name())
        node = node.next_functions[0][0] if node.next_functions else None
    return " < ".join(names)
