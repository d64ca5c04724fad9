"""A loss that does not depend on the parameters: nothing can be learned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_probe.checks.base import Check, Outcome, failed, number, passed, skipped, warned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime_probe.families import Family
    from runtime_probe.record import Record


def run(record: Record, family: Family) -> Iterable[Outcome]:
    """Look for a backward without a graph, and for gradients that are all zero."""
    detached = record.detached_loss
    if detached is not None:
        frozen = bool(record.parameters) and not any(p.requires_grad for p in record.parameters)
        yield failed(
            f"backward() was called on a loss ({number(detached.value)}) that depends on no trainable parameter",
            "set requires_grad_(True) on what is to be trained: every parameter is frozen"
            if frozen
            else "look for detach(), .data, .item(), no_grad() or a new tensor between the model and the loss, and for"
            " parameters frozen with requires_grad_(False)",
            detached.made_at if detached.made_at.path else detached.where,
        )
        return
    updates = [step for index in range(len(record.optimizers)) for step in record.series(index)]
    nothing = record.backwards > 0 and all(step.grad_norm == 0 for step in updates)
    unpaid = record.rewards.count > 0 and record.rewards.nonzero <= 0.05 * record.rewards.count
    for index, optimizer in enumerate(record.optimizers):
        steps = record.series(index)
        if not steps:
            continue
        if any(step.grad_norm != 0 for step in steps):
            yield passed("its gradient is not zero")
        elif not record.backwards:
            yield failed(
                f"{optimizer.name} stepped {len(steps)} times, and no backward pass was made: there is no gradient",
                "call loss.backward() before step(); in Lightning, training_step has to return the loss",
                steps[0].where,
            )
        elif unpaid:
            yield skipped("hardly any reward came, and the gradient is 0; see reward-sparse")
        elif not any(step.losses for step in steps) and record.backwards and len(steps) > 2:
            yield failed(
                f"no backward pass gave a gradient to anything that {optimizer.name} holds, at {len(steps)} steps",
                "look for detach(), .item() or a new tensor between the parameters and the loss, and at what the"
                " optimizer holds",
                steps[0].where,
            )
        elif not nothing and not any(step.losses for step in steps):
            yield skipped(f"{optimizer.name} stepped without a backward pass")
        elif _satisfied(record, index):
            yield warned(
                "the loss is 0 on these samples, as a margin allows: there is nothing to learn from them",
                "if it stays so, look at the margin and its sign; if not, take a larger --batch-size",
                steps[0].where,
            )
        else:
            say = failed if family.measures_progress else warned
            yield say(
                f"the gradient is exactly 0 at each of {len(steps)} steps: the loss does not depend on what"
                f" {optimizer.name} holds",
                "look for detach(), argmax, rounding, dead units or a saturated output between parameters and loss",
                steps[0].where,
            )


def _satisfied(record: Record, optimizer: int) -> bool:
    """A hinge that the few samples of the baseline satisfy, and the script's own batch did not."""
    own = [step for step in record.steps if step.optimizer == optimizer]
    return own[0].loss != 0 and all(step.loss == 0 for step in record.series(optimizer))


CHECK = Check(
    id="loss-detached",
    title="Loss depends on the parameters",
    step=3,
    seed="If it does not, there is a fundamental problem with the forward pass or loss computation.",
    why="A detach(), a tensor made anew from numbers, a frozen model or a step function in the graph leaves the"
    " optimizer without a gradient.",
    run=run,
)
