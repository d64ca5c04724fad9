"""Flow matching: a target that points against the path, or that is longer at one time than at another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Check, Outcome, number, passed, skipped, warned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Judge direction and length of the target beside the slope of the noised sample over time."""
    velocity = record.experiments.velocity
    where = next((call.where for call in record.loss_calls), None)
    if velocity is None or family.name != "flow":
        yield skipped("the path of a flow was not seen at two times")
        return
    cosine = velocity.cosine
    if abs(cosine) > t.VELOCITY_COSINE and velocity.shortest < t.VELOCITY_LENGTHS * velocity.longest:
        yield warned(
            "the target goes along the path, and its length changes with the time: it is"
            f" {number(velocity.shortest)} to {number(velocity.longest)} times the velocity, as what is left of the way"
            " is",
            "the velocity of a straight path is the same at all times: action - noise, not action - x_t",
            where,
            shortest=velocity.shortest,
            longest=velocity.longest,
        )
    elif cosine < -t.VELOCITY_COSINE:
        yield warned(
            f"the target points against the path: as the model's time grows, the sample moves the other way"
            f" (cosine {cosine:.2f})",
            "for x_t = (1 - t) * noise + t * action the velocity is action - noise; if the sign is meant, sampling has"
            " to integrate backward",
            where,
            cosine=cosine,
        )
    elif cosine > t.VELOCITY_COSINE:
        yield passed(f"the target is the velocity of the path (cosine {cosine:.2f})", where, cosine=cosine)
    else:
        yield skipped("the target is no velocity of a straight path", cosine=cosine)


CHECK = Check(
    id="velocity-reversed",
    title="Velocity along the path",
    step=7,
    seed="check that the learned velocity field produces trajectories that actually arrive at the target distribution",
    why="A field that is learnt with the sign turned has a loss like any other, and its trajectories lead away from the"
    " data. The path is seen by asking for the noised sample at two times, with the same data and noise.",
    run=run,
)
