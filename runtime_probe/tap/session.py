"""A probed process: hooks tell the session what the script does, and it keeps, measures and passes on.

What the next iteration of the script is for is decided by the course.
"""

from __future__ import annotations

import time
import weakref
from contextlib import contextmanager
from math import isfinite
from typing import TYPE_CHECKING, Any

import torch

from convdiag_lint.events import EventKind
from runtime_probe import record as records
from runtime_probe.record import EventRecord, LossRecord, NonFinite, OptimizerRecord, Record, Where
from runtime_probe.tap import averaged, measuring, places
from runtime_probe.tap.adversaries import Adversaries
from runtime_probe.tap.calls import Calls
from runtime_probe.tap.course import Course
from runtime_probe.tap.experiments import Experimenter
from runtime_probe.tap.ledger import Ledger
from runtime_probe.tap.loaders import Feed
from runtime_probe.tap.losses import Losses
from runtime_probe.tap.masks import Masks
from runtime_probe.tap.mirrored import Mirrored
from runtime_probe.tap.noise import Noise
from runtime_probe.tap.padding import PaddingWatch
from runtime_probe.tap.parts import Parts
from runtime_probe.tap.patches import Patches
from runtime_probe.tap.policy import PolicyGradient
from runtime_probe.tap.pull import Pull
from runtime_probe.tap.renewed import predecessor
from runtime_probe.tap.schedules import Schedules
from runtime_probe.tap.statistics import tensors
from runtime_probe.tap.terms import Terms
from runtime_probe.tap.times import Candidates
from runtime_probe.tap.tracked import Tracked
from runtime_probe.tap.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runtime_probe.options import Options
    from runtime_probe.record import ClipRecord
    from runtime_probe.tap.changes import Change
    from runtime_probe.tap.environments import Steps

_EVENTS = 400
_MOST_TARGET = 1_000_000


class Session:
    """State of one probed process."""

    def __init__(self, options: Options, record: Record, finish: Callable[[str], None]) -> None:
        self.options, self.record, self.finish = options, record, finish
        self.active = True
        self.watching = True
        self.clipping = False
        self.inside_outer = False
        self.scaling: float | None = None
        """Loss scale while a gradient scaler makes an optimizer step."""
        self.started = self.step_started = time.monotonic()
        self.tracked: list[Tracked] = []
        self.unclaimed: list[LossRecord] = []
        self.unclaimed_clips: list[ClipRecord] = []
        self.scalers: weakref.WeakSet[Any] = weakref.WeakSet()
        """Gradient scalers that were used."""
        self.change: Change | None = None
        """What is changed in the phase that runs."""
        self.backwards_without_step = 0
        self.digest = ""
        self.targets: list[tuple[torch.Tensor, bool]] = []
        """Whole numbers that losses compared with, and whether outside of all modules."""
        self.velocity_targets: list[torch.Tensor] = []
        """The last one of each shape that a loss compared with."""
        self.environments: Steps | None = None
        """Counts the rewards of environments of the script's own."""
        self.shifted: set[str] = set()
        """Arguments of models that the targets are, one position on."""
        self.times = Candidates()
        self.rounds: int | None = None
        """How often the loops around the first backward pass go round, as far as that is known."""
        self.batch_first = False
        """Targets are the inputs one position on along the second dimension: the first is the batch."""
        self.feed = Feed(self)
        self.calls = Calls(self)
        self.watch = Watch(self)
        self.ledger = Ledger(self)
        self.experiments = Experimenter(self)
        self.policy = PolicyGradient()
        self.parts = Parts(self)
        self.masks, self.mirrored = Masks(self), Mirrored(self)
        self.pull = Pull(self)
        self.adversaries = Adversaries(self)
        self.noise = Noise(self)
        self.losses = Losses(self)
        self.terms = Terms()
        self.padding = PaddingWatch(record)
        self.schedules = Schedules(self)
        self.course = Course(self)
        self.patches = Patches()
        self.modules: list[torch.nn.Module] | None = None
        """Where to look for models; None for the whole process."""

    def close(self) -> None:
        """Take every hook, patch and mode out of torch again."""
        self.active = self.watching = False
        self.experiments.close()
        self.watch.stop()
        self.calls.remove()
        self.patches.undo()

    # What the hooks report.

    def on_forward(self) -> None:
        """A module was called from outside, with gradients on."""
        if self.watching:
            self.watch.start()
        if self.change is not None:
            self.change.on_forward()
        if torch.is_autocast_enabled("cuda") or torch.is_autocast_enabled("cpu"):
            device = "cuda" if torch.is_autocast_enabled("cuda") else "cpu"
            self.record.features.autocast = str(torch.get_autocast_dtype(device)).removeprefix("torch.")
        self.digest = ""
        self.event(EventKind.FORWARD)

    def around_backward(self, loss: Any, backward: Callable[[], None]) -> None:
        """Run a backward pass and note what it was of, and which gradients it changed."""
        record = measuring.loss_record(loss)
        self.record.backwards += 1
        if self.record.backwards == 1:
            self._first_backward()
        if record is not None and not record.requires_grad:
            self.record.detached_loss = self.record.detached_loss or record
        before = {tracked.index: tracked.arrivals() for tracked in self.tracked}
        for tracked in self.tracked:
            if all(g is None for g, _ in before[tracked.index]) or not any(tracked.gradient_norms()):
                self._cleared(tracked)
        if self.watching:
            with self.looking("following the terms of a loss"):
                self.terms.note_backward(loss)
            with self.looking("following states of recurrent layers"):
                self.calls.recurrent.before_backward()
        if record is not None:
            self.event(EventKind.BACKWARD, where=record.where)
            if not isfinite(record.value):
                where = record.made_at if record.made_at.path else record.where
                measuring.not_finite(self, record.value, NonFinite("loss", where=where))
        self.pull.around(loss, backward)
        for tracked in self.tracked:
            pairs = zip(before[tracked.index], tracked.arrivals(), strict=True)
            if all(old[0] is new[0] and old[1] == new[1] for old, new in pairs):
                continue
            after = tracked.gradient_norms()
            spent = tracked.spent
            tracked.mingled |= spent is not None and record is not None and str(spent.where) != str(record.where)
            tracked.touched = tracked.fresh = True
            tracked.raw = after
            tracked.backwards_in_step += tracked.in_step
            if record is not None:
                tracked.losses.append(record)
            measuring.check_gradients(self, tracked, after, record.scaled_by if record is not None else 1.0)
        if record is not None:
            self.unclaimed.append(record)
        self.backwards_without_step += 1
        # Gradients may accumulate over many batches; a script without an optimizer of torch never steps.
        if self.course.first is None and self.backwards_without_step >= 30 * self.options.steps:
            self.record.notes.append("no optimizer of torch.optim stepped: updates by hand cannot be judged")
            self.finish("complete")

    def _cleared(self, tracked: Tracked) -> None:
        tracked.stale = tracked.mingled = False
        tracked.spent = None
        if self.watching:
            self.terms.note_cleared(tracked)
        # What came before was thrown away: in actor-critic code one loss passes through the parameters of the
        # other optimizer.
        if not tracked.in_step:
            tracked.losses.clear()

    def before_step(self, optimizer: torch.optim.Optimizer) -> None:
        """An optimizer is about to step."""
        tracked = self._of(optimizer)
        tracked.in_step = True
        if self.watching:
            with self.looking("looking for averages of the weights"):
                optimizer_record = self.record.optimizers[tracked.index]
                optimizer_record.follows = optimizer_record.follows or tracked.followers.found()
        elif self.course.phase == records.BASELINE and self.course.in_phase == self.options.steps - 1:
            with self.looking("looking for averages that stand still"):
                self.record.optimizers[tracked.index].average_still = tracked.followers.still()
            with self.looking("looking for averages without statistics"):
                features = self.record.features
                if not features.average_without_statistics:
                    trained = (root.module for root in self.ledger.roots)
                    features.average_without_statistics = averaged.without_statistics(trained)
        if self.course.phase == records.BASELINE or self.change is not None or not tracked.steps:
            tracked.keep()
        if self.change is not None:
            self._set_rates(tracked, self.change.factor)

    def before_update(self, optimizer: torch.optim.Optimizer) -> None:
        """The gradients of a step are there: a phase may change them."""
        if self.change is not None:
            self.change.before_step(self._of(optimizer))

    def _set_rates(self, tracked: Tracked, factor: float) -> None:
        """Give the optimizer the learning rates that it had at this step of the baseline, times a factor.

        Schedulers and scripts that count steps have gone on in the meantime.
        """
        series = self.record.series(tracked.index)
        place = sum(s.optimizer == tracked.index and s.phase == self.course.phase for s in self.record.steps)
        if not series:
            return
        rates = series[min(place, len(series) - 1)].rates
        tracked.own_rates = [group.get("lr") for group in tracked.optimizer.param_groups]
        for number, group in enumerate(tracked.optimizer.param_groups):
            rate = rates[min(number, len(rates) - 1)] * factor
            group["lr"] = group["lr"].new_tensor(rate) if isinstance(group["lr"], torch.Tensor) else rate

    def after_step(self, optimizer: torch.optim.Optimizer) -> None:
        """An optimizer has stepped; with a closure, its gradients are there only now."""
        tracked = self._of(optimizer)
        tracked.in_step = False
        where = places.here(2)
        self.backwards_without_step = 0
        self.event(EventKind.STEP, where=where, optimizer=tracked.index)
        self.record.steps.append(measuring.step_record(self, tracked, where))
        if self.change is not None:
            self.change.after_step(tracked)
            for group, rate in zip(tracked.optimizer.param_groups, tracked.own_rates, strict=False):
                group["lr"] = rate
        tracked.steps += 1
        if self.watching:
            self.terms.note_step(tracked)
        tracked.stale = any(tracked.applied)
        for other in self.tracked:
            if other is not tracked and other.losses and any(loss is other.losses[-1] for loss in tracked.losses):
                other.spent = other.losses[-1]
        tracked.forget()
        self.unclaimed, self.unclaimed_clips = [], []
        self.course.stepped(tracked)

    def on_skipped(self, optimizer: torch.optim.Optimizer, scale: float, where: Where) -> None:
        """A gradient scaler left a step out."""
        tracked = self._of(optimizer)
        tracked.before = None
        step = measuring.step_record(self, tracked, where)
        step.skipped, step.scale, step.update_norm, step.predicted = True, scale, 0.0, 0.0
        self.record.steps.append(step)
        tracked.steps += 1
        tracked.forget()
        self.course.stepped(tracked)

    def on_unscale(self, optimizer: Any, where: Where, *, enabled: bool) -> None:
        """A gradient scaler divided gradients by its scale, if it is switched on."""
        inner = getattr(optimizer, "optimizer", optimizer)
        for tracked in self.tracked:
            if tracked.optimizer is inner and enabled:
                tracked.unscaled = where
        if self.scaling is None:
            self.event(EventKind.UNSCALE, where=where)

    def on_clip(self, clip: ClipRecord, held: list[torch.Tensor]) -> None:
        """Gradients of `held` were clipped."""
        self.event(EventKind.CLIP, where=clip.where)
        ids = {id(parameter) for parameter in held}
        known = False
        for tracked in self.tracked:
            common = len(tracked.ids & ids)
            if not common:
                continue
            known = True
            clip.covers = common / max(1, len(tracked.ids))
            scale = tracked.losses[-1].scaled_by if tracked.losses else 1.0
            clip.scaled = scale != 1.0 and tracked.unscaled is None
            (tracked.clips if tracked.touched else tracked.misplaced).append(clip)
        if not known and self.course.phase == records.BASELINE and len(self.tracked) == 1:
            # The optimizer is known by now, and holds none of these: a copy of the model, or another one.
            clip.covers = 0.0
            self.tracked[0].clips.append(clip)
        elif not known:
            self.unclaimed_clips.append(clip)

    def before_clear(self) -> None:
        """Gradients are about to be cleared: were they used?"""
        alone = self.tracked[0] if len(self.tracked) == 1 else None  # else a loss passes through others' parameters
        if alone is not None and alone.fresh and not alone.in_step:
            self.record.optimizers[0].thrown += self.course.phase == records.BASELINE
            alone.fresh = False

    def on_clear(self, where: Where) -> None:
        """Gradients were cleared."""
        self.event(EventKind.CLEAR, where=where)

    def on_finite_check(self, where: Where, value: float) -> None:
        """A number was tested for NaN or infinity; whether it is a loss shows when losses are known."""
        self.event(EventKind.CHECK_FINITE, where=where)
        if self.record.events:
            self.record.events[-1].attributes["value"] = value

    def event(self, kind: EventKind, where: Where | None = None, optimizer: int | None = None) -> None:
        """Note an event of the timeline, for the first steps."""
        if self.course.phase in (records.WARM_UP, records.BASELINE) and len(self.record.events) < _EVENTS:
            place = where if where is not None else places.here(2)
            self.record.events.append(EventRecord(kind.value, place, len(self.record.steps), optimizer))

    def note_timestamps(self, batch: Any) -> None:
        """Keep the time stamps of a batch, found by their keys."""
        kept = self.record.batch.timestamps
        for name, tensor in tensors(batch):
            key = name.lower()
            named = "timestamp" in key or "time_stamp" in key or key.endswith("stamp")
            if named and tensor.numel() and not tensor.is_complex() and len(kept) < 8:
                stamps = tensor.detach().double()
                if stamps.dim() > 1 and stamps.shape[1] > 1:
                    # Rows are sequences; what follows the end of one is another sample.
                    stamps = stamps.flatten(1)
                    self.record.batch.first_timestamps[name] = stamps[:4096, 0].tolist()
                    stamps = stamps[0]
                kept[name] = stamps.flatten()[:4096].tolist()

    def note_target(self, target: torch.Tensor) -> None:
        """Remember what a loss compared with, to recognise shifted inputs."""
        if target.is_floating_point() and target.dim() > 1 and target.numel() <= _MOST_TARGET:
            # Of the last warm-up step: its draws are those of every step after it.
            self.velocity_targets = [t for t in self.velocity_targets if t.shape != target.shape] + [target.detach()]
        if self.course.in_phase == 0 and not target.is_floating_point() and self.course.phase == records.WARM_UP:
            self.targets.append((target.detach(), self.calls.outside))

    def forget_step(self) -> None:
        """An iteration that was watched is over."""
        self.parts.forget()
        self.pull.forget()
        self.adversaries.forget()
        self.noise.forget()
        self.watch.contrast.forget()
        self.losses.backups.forget()
        self.watch.squash.end()
        self.watch.mining.forget()

    @contextmanager
    def looking(self, what: str) -> Iterator[None]:
        """To look must not change what happens: an error is noted, and the script goes on."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - somebody's functions, graphs, models
            self.anomaly(what, error)

    def anomaly(self, what: str, error: Exception) -> None:
        """Note that the probe itself could not look at something."""
        text = f"{what}: {type(error).__name__}: {error}"
        if text not in self.record.features.anomalies and len(self.record.features.anomalies) < 20:
            self.record.features.anomalies.append(text)

    def steps_of(self, optimizer: Any) -> int:
        """Steps that an optimizer has made."""
        return next((t.steps for t in self.tracked if t.optimizer is optimizer), 0)

    # Measuring.

    def _of(self, optimizer: torch.optim.Optimizer) -> Tracked:
        for tracked in self.tracked:
            if tracked.optimizer is optimizer:
                if len(tracked.parameters) != sum(len(g["params"]) for g in optimizer.param_groups):
                    tracked.gather()
                return tracked
        known = predecessor(self, optimizer)
        if known is not None:
            return known
        tracked = Tracked(len(self.tracked), optimizer)
        tracked.losses, tracked.touched = list(self.unclaimed), bool(self.unclaimed)
        tracked.clips = list(self.unclaimed_clips)
        for clip in tracked.clips:
            clip.covers = 1.0
        tracked.raw = tracked.gradient_norms()
        self.tracked.append(tracked)
        self.record.optimizers.append(
            OptimizerRecord(
                type(optimizer).__name__,
                parameters=sum(p.numel() for p in tracked.parameters),
                where=places.here(3),
                duplicates=len(tracked.parameters) - len(tracked.ids),
                **tracked.describe(),
            )
        )
        return tracked

    def _first_backward(self) -> None:
        self.record.start_seconds = time.monotonic() - self.started
        self.record.framework = places.framework(2)
        from runtime_probe.tap.features import at_first_backward  # noqa: PLC0415 - needed once

        at_first_backward(self)
