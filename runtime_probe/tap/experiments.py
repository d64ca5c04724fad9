"""What is tried after the ten steps, one iteration of the script each, with the weights put back.

The script does the work: it draws the same batch and the same noise, computes the loss, calls
backward, steps. Only the weights that it finds are the probe's.
"""

from __future__ import annotations

import math
from math import isfinite
from statistics import median
from typing import TYPE_CHECKING

import torch

from runtime_probe import record as records
from runtime_probe.tap import flow
from runtime_probe.tap.forced import ForcedEnds, OtherNoise
from runtime_probe.tap.phasing import Phasing
from runtime_probe.tap.state import State
from runtime_probe.tap.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Generator

    from runtime_probe.tap.session import Session
    from runtime_probe.tap.tracked import Tracked

_RELATIVE_DROPS = (1e-3, 1e-4, 1e-5)
"""Predicted drops of the loss by the nudge, relative to the loss, tried until curvature no longer shows."""
_AGREES = (0.7, 1.3)
"""Actual over predicted drop of healthy runs."""
_MOST_ELEMENTS = 50_000_000
"""Larger models get no phases: to go back needs a copy of parameters, gradients and optimizer state."""
_IN_MEMORY = 5_000_000
"""The copies of larger models are kept in the run folder, which is removed at the end."""
_NOISE = 1e-4
_SLOW = 0.25
"""Seconds of a step from which on each iteration is thought over."""


class Experimenter:
    """The experiments after the baseline, and the states of the script that they go back to."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.must_trace = False
        self.tracer: Trace | None = None
        self.start_state: State | None = None
        self.snapshot: State | None = None
        self.plan: Generator[None, None, None] = _nothing()

    # The baseline.

    def begin(self) -> None:
        """Keep the state that the baseline starts from."""
        ledger = self.session.ledger
        ledger.begin()
        if sum(t.numel() for t in ledger.tensors.values()) <= _MOST_ELEMENTS:
            self.start_state = self._state(optimizers=True)

    def _state(self, *, optimizers: bool = False) -> State:
        chosen = [t.optimizer for t in self.session.tracked] if optimizers else []
        scalers = list(self.session.scalers) if optimizers else []
        # The moment that phases go back to has copies of parameters, gradients and moments: too much memory for two.
        large = optimizers and sum(t.numel() for t in self.session.ledger.tensors.values()) > _IN_MEMORY
        folder = self.session.options.run_folder if large else ""
        stand = any(step.cleared is False for step in self.session.record.steps)
        modules, parameters = [r.module for r in self.session.ledger.roots], list(self.session.ledger.tensors.values())
        return State(modules, parameters, chosen, scalers, folder, keep_gradients=stand)

    # A loss or a gradient that is not finite.

    def trace(self) -> None:
        """Go back to the weights before the bad step, and watch every operation of the next iteration."""
        session = self.session
        for tracked in session.tracked:
            if tracked.before is not None:
                tracked.before.put_back()
        self.tracer = Trace(session)
        session.course.enter(records.TRACE)
        self.plan = _nothing()
        self.tracer.__enter__()

    def close(self) -> None:
        """Leave the modes of torch that an experiment has entered."""
        self.plan.close()
        if self.tracer is not None:
            self.tracer.__exit__(None, None, None)
            self.tracer = None

    def _end_trace(self) -> None:
        assert self.tracer is not None
        self.tracer.__exit__(None, None, None)
        for found in self.session.record.nonfinite:
            origin = self.tracer.origin(nan_wanted=found.value == "nan")
            if origin is not None and not found.operation:
                found.operation, found.module, found.where = origin.operation, origin.module, origin.where
                found.during = origin.during
        self.tracer = None
        anchor, session = self.session.course.anchor, self.session
        alone = session.record.world_size == 1
        if anchor is not None and alone and self.start_state is not None and self.start_state.is_finite():
            self.plan = Phasing(session, self.start_state, anchor).run(repeats=True)
        if next(self.plan, self) is self:
            session.finish("complete")

    # After the baseline.

    def start(self) -> None:
        """The ten steps are done."""
        for tracked in self.session.tracked:
            tracked.before = None
        # With several optimizers, the steps of the others stand between the weights and the loss.
        self.snapshot = self._state(optimizers=len(self.session.tracked) > 1)
        self.plan = self._plan()
        next(self.plan)

    def boundary(self) -> None:
        """An iteration of an experiment is over."""
        if self.tracer is not None:
            self._end_trace()
            return
        if next(self.plan, self) is self:
            self.session.finish("complete")

    def _plan(self) -> Generator[None, None, None]:
        """Each `yield` lets the script run one iteration with the weights as they were left here."""
        session, results = self.session, self.session.record.experiments
        anchor = session.course.anchor
        assert anchor is not None
        session.course.enter(records.SETTLE)
        yield
        loss = anchor.last_loss
        self._put_back()
        session.course.enter(records.REPEAT)
        yield
        results.repeat = abs(anchor.last_loss - loss) / max(abs(loss), 1e-12)
        if not isfinite(results.repeat):
            return
        if session.record.world_size > 1:
            return  # ranks that decide differently would wait for each other
        repeats = results.repeat <= _NOISE
        if repeats:
            if not self._shown(anchor):
                yield from self._nudge(anchor, loss)
            yield from self._influence(anchor, loss)
            yield from self._forced_time(anchor)
            yield from self._other_noise(anchor, loss)
        if self.start_state is not None:
            yield from Phasing(session, self.start_state, anchor).run(repeats=repeats)

    def _shown(self, anchor: Tracked) -> bool:
        """Whether slow steps have shown already that the loss falls as its gradient says."""
        steps = self.session.record.series(anchor.index)
        losses = self.session.record.losses(anchor.index)
        pairs = zip(losses, losses[1:], [step.predicted for step in steps], strict=False)
        gains = [(a - b) / p for a, b, p in pairs if isfinite(p) and p > _NOISE * abs(a)]
        slow = median([step.seconds for step in steps] or [0.0]) > _SLOW
        return slow and len(gains) >= len(steps) // 2 and _AGREES[0] <= median(gains) <= _AGREES[1]

    def _put_back(self) -> None:
        assert self.snapshot is not None
        self.snapshot.put_back()

    def _nudge(self, anchor: Tracked, loss: float) -> Generator[None, None, None]:
        results = self.session.record.experiments
        step = self.session.record.steps[-1]
        rounded = bool(self.session.record.features.autocast) or any(
            p.dtype != torch.float32 for p in anchor.parameters
        )
        if anchor.reevaluates or not (0.0 < step.grad_norm < math.inf) or rounded or not loss:
            self._put_back()
            return
        # Clipping has scaled the gradients that are there; the gradient of the loss is longer.
        longer = step.grad_norm / step.applied_norm if step.applied_norm else 1.0
        kept = [None if g is None else g.detach().clone() for g in anchor.gradients()]
        batch = step.batch_hash
        # Batch normalization over four samples bends the loss at any length; one look is enough.
        for drop in _RELATIVE_DROPS[: 1 if any(root.coupled() for root in self.session.ledger.roots) else None]:
            size = drop * abs(loss) / step.grad_norm**2
            self._put_back()
            with torch.no_grad():
                for parameter, gradient in zip(anchor.parameters, kept, strict=True):
                    if gradient is not None:
                        dense = gradient.to_dense() if gradient.is_sparse else gradient
                        parameter.data.add_(dense, alpha=-size * longer)
            self.session.course.enter(records.NUDGE)
            yield
            if self.session.record.steps[-1].batch_hash != batch:
                break  # a replay buffer that grows
            results.nudge_predicted = drop * abs(loss)
            results.nudge_actual = loss - anchor.last_loss
            if _AGREES[0] <= results.nudge_actual / results.nudge_predicted <= _AGREES[1]:
                break
        self._put_back()

    def _influence(self, anchor: Tracked, loss: float) -> Generator[None, None, None]:
        asked = [
            (known, self.session.ledger.tensors[key])
            for key, known in self.session.ledger.parameters.items()
            if known.requires_grad and not known.gradients and self.session.ledger.tensors[key].is_floating_point()
        ]
        if not asked:
            return
        generator = torch.Generator().manual_seed(0)
        with torch.no_grad():
            for _, parameter in asked:
                noise = torch.randn(parameter.shape, generator=generator).to(parameter)
                spread = (
                    parameter.float().std().nan_to_num() if parameter.numel() > 1 else parameter.float().abs().max()
                )
                parameter.data.add_(noise * (0.1 * spread.to(parameter) + 0.01))
        self.session.course.enter(records.INFLUENCE)
        yield
        repeat = self.session.record.experiments.repeat or 0.0
        moves = abs(anchor.last_loss - loss) > max(10 * repeat, 1e-6) * max(abs(loss), 1e-12)
        for known, _ in asked:
            known.influences = moves
        self._put_back()

    def _forced_time(self, anchor: Tracked) -> Generator[None, None, None]:
        features, results = self.session.record.features, self.session.record.experiments
        if not features.time_argument or features.time_integral:
            return
        before = self._given_with_time()
        with ForcedEnds():
            self.session.course.enter(records.FORCED_TIME)
            yield
        after = self._given_with_time()
        time = after.get(features.time_argument)
        if time is not None:
            results.time_minimum, results.time_maximum = float(time.min()), float(time.max())
            results.time_loss = anchor.last_loss
            results.velocity = flow.agreement(before, after, features.time_argument, self.session.velocity_targets)
        self._put_back()

    def _other_noise(self, anchor: Tracked, loss: float) -> Generator[None, None, None]:
        features, results = self.session.record.features, self.session.record.experiments
        drawn = any(features.calls.get(name) for name in ("randn", "randn_like", "normal_"))
        if not features.time_argument or not drawn:
            return
        before = self._given_with_time()
        with OtherNoise():
            self.session.course.enter(records.OTHER_NOISE)
            yield
        after = self._given_with_time()
        if len(before) > 1 and before.keys() == after.keys() and abs(anchor.last_loss - loss) > _NOISE * abs(loss):
            results.noise_reaches_model = any(
                name != features.time_argument and not torch.equal(tensor, before[name])
                for name, tensor in after.items()
            )
        self._put_back()

    def _given_with_time(self) -> dict[str, torch.Tensor]:
        """Copies of the numbers that went into the model that is given a time."""
        wanted = self.session.record.features.time_argument
        for call in self.session.calls.outer.values():
            given = {f"{type(call.module).__name__}({name})": tensor for name, tensor in call.named()}
            if wanted in given:
                return {k: t.detach().clone() for k, t in given.items() if k == wanted or t.is_floating_point()}
        return {}


def _nothing() -> Generator[None, None, None]:
    yield from ()
