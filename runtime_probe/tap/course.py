"""The course of a probed run: warm-up, ten steps on one batch, experiments, end.

At each boundary (a step of the optimizer that steps last in an iteration) it decides what the next iteration is for.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from runtime_probe import record as records
from runtime_probe.tap.randomness import Randomness

if TYPE_CHECKING:
    from runtime_probe.tap.session import Session
    from runtime_probe.tap.tracked import Tracked

WARM_UP_STEPS = 3
"""The first has the script's own batch; accelerate fetches one ahead, so the third is the first surely replayed."""
_OTHERS = 6
"""A second optimizer may step this much more rarely than the first (a GAN's generator) and still get its ten steps."""
_SLOW = 0.5
"""Seconds of a step."""


class Course:
    """Which stage the run is in, and when it goes on to the next."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.phase = records.WARM_UP
        self.first: Tracked | None = None
        """The optimizer that stepped first."""
        self.anchor: Tracked | None = None
        """The optimizer that stepped last before the first one stepped again: where an iteration ends.

        In a GAN that steps the discriminator first it is the generator's, and no graph is open there.
        """
        self.latest: Tracked | None = None
        self.in_phase = 0
        """Steps of the anchor in this phase."""
        self.randomness: Randomness | None = None

    def stepped(self, tracked: Tracked) -> None:
        """An optimizer has stepped: find the one that ends an iteration, and the ends."""
        if self.first is None:
            self.first = tracked
            self._boundary()
        elif self.anchor is None and tracked is self.first:
            self.anchor = self.latest
        self.latest = tracked
        if tracked is self.anchor:
            self._boundary()

    def replace(self, old: Tracked, new: Tracked) -> None:
        """Two optimizers turned out to be one that is made anew."""
        self.first, self.anchor, self.latest = (
            new if one is old else one for one in (self.first, self.anchor, self.latest)
        )

    def _boundary(self) -> None:
        """The anchor has stepped: an iteration of the script is over, as far as the probe can tell."""
        self.in_phase += 1
        self.progress()
        if self.session.watching:
            self.session.policy.end_update(self.session.record)
        if self.phase == records.WARM_UP:
            self._warm_up()
        elif self.phase == records.BASELINE:
            self._baseline()
        else:
            self.session.experiments.boundary()
        if self.randomness is not None:
            self.randomness.put_back()

    def _warm_up(self) -> None:
        if self.in_phase == 1:
            self.session.feed.replaying = True
            from runtime_probe.tap.features import after_first_step  # noqa: PLC0415 - needed once

            after_first_step(self.session)
        elif self._lost_gradient():
            self.session.feed.widen()
        if self.in_phase < WARM_UP_STEPS and not self._warm_enough():
            # A script may draw the next batch before it steps: the draws of the last warm-up step must be
            # those that every step of the baseline repeats.
            self.randomness = Randomness()
            self.session.watch.next_step()
            return
        from runtime_probe.tap.features import after_warm_up  # noqa: PLC0415 - needed once

        after_warm_up(self.session)
        self.session.feed.whole.clear()
        self.session.watching = False
        self.session.watch.stop()
        self.session.calls.narrow()
        self.session.experiments.begin()
        self.enter(records.BASELINE)

    def _lost_gradient(self) -> bool:
        """Whether a batch of few samples has no gradient: triplets and pairs of one class are in batches of a kind."""
        steps = [step for step in self.session.record.steps if step.grad_norm is not None]
        return len(steps) > 1 and bool(steps[0].grad_norm) and not steps[-1].grad_norm

    def _warm_enough(self) -> bool:
        """Where steps are slow and nothing fetches ahead, a third that only warms up is one too many."""
        slow = self.in_phase == WARM_UP_STEPS - 1 and self.session.record.steps[-1].seconds > _SLOW
        return slow and "accelerate" not in sys.modules

    def _baseline(self) -> None:
        if self.session.experiments.must_trace or any(
            item.what == "parameter" for item in self.session.record.nonfinite
        ):
            self.session.experiments.trace()
            return
        done = [
            len(self.session.record.series(t.index, self.phase)) >= self.session.options.steps
            for t in self.session.tracked
        ]
        if self.in_phase >= self.session.options.steps and (
            all(done) or self.in_phase >= _OTHERS * self.session.options.steps
        ):
            self.session.experiments.start()

    def enter(self, phase: str) -> None:
        """Begin a phase."""
        self.phase = phase
        self.in_phase = 0

    def progress(self) -> None:
        """Tell the probe above how far this process is."""
        from runtime_probe.tap.ending import write_progress  # noqa: PLC0415 - one direction of imports

        write_progress(self.session)
