"""Averages of weights, and target networks, that follow too slowly, or at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runtime_probe import thresholds as t
from runtime_probe.checks.base import Check, Outcome, failed, number, passed, skipped, warned
from runtime_probe.checks.running import left_over

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Compare the rate of each average with the updates that the run has."""
    planned = record.features.planned_steps
    for optimizer in record.optimizers:
        for rate in optimizer.follows:
            left = left_over(rate, planned)
            numbers: dict[str, Any] = {"rate": rate, "planned": planned}
            if rate > t.FOLLOWS_AT_ONCE:
                yield warned(
                    f"a copy of the weights takes over {number(rate)} of each update: it averages nothing",
                    "keep most of the average: ema = decay * ema + (1 - decay) * weights, decay 0.99 to 0.9999",
                    optimizer.where,
                    **numbers,
                )
            elif left > t.AVERAGE_LEFT:
                yield failed(
                    f"an average of the weights takes over {number(rate)} of each update: after the {planned} of this"
                    f" run {left:.0%} of it are still the initial weights",
                    f"lower the decay, to about {1 - min(10 / (planned or 10), 0.5):.4g}, or let it warm up",
                    optimizer.where,
                    **numbers,
                )
            else:
                yield passed(f"an average of the weights takes over {number(rate)} of each update", **numbers)
    without = record.features.average_without_statistics
    if without:
        yield warned(
            f"{without} has no part in the running statistics of batch normalization: these stand at mean 0 and"
            " variance 1, and in eval mode it says something else than the model",
            "copy the buffers as well, as torch's AveragedModel does, call update_bn() before it is used, or normalize"
            " by groups",
        )
    still = next((o for o in record.optimizers if o.average_still and not o.follows), None)
    if still is not None:
        yield warned(
            f"{still.average_still} has not moved while the weights did: it is still what they began with",
            "update the average after each step of the optimizer: average.lerp_(weights, 1 - decay)",
            still.where,
        )
        return
    stands = record.rewards.tau and record.rewards.backup is not None and not record.rewards.backup.of_the_trained
    if any(optimizer.follows for optimizer in record.optimizers):
        return
    if stands and record.steps:
        yield warned(
            f"no target network follows the weights, though the script has a rate of {number(record.rewards.tau)} for"
            " it: targets are what a random network says, as long as it stands still",
            "after each update: target.lerp_(weights, tau) for all parameters",
            tau=record.rewards.tau,
        )
    else:
        yield skipped("nothing was seen to follow the weights")


CHECK = Check(
    id="average-rate-wrong",
    title="Averages keep pace",
    step=7,
    seed="",
    why="The average, not the trained weights, is what is evaluated and saved. One whose decay was made for a million"
    " updates is at its random start after a thousand; one with decay and 1 - decay exchanged is no average.",
    run=run,
)
