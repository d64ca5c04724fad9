"""Optimizers that a script makes anew for each step: each is a stranger, and none ever steps again."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    from runtime_probe.tap.session import Session
    from runtime_probe.tap.tracked import Tracked


def predecessor(session: Session, optimizer: torch.optim.Optimizer) -> Tracked | None:
    """Return the optimizer whose place a new one takes, or None where it is one more.

    Two of a kind may hold the same parameters and step by turns; with a third, it is one that is made again and again.
    """
    ids = {id(p) for group in optimizer.param_groups for p in group["params"]}
    same = [t for t in session.tracked if t.ids == ids and type(t.optimizer) is type(optimizer)]
    if not same or (len(same) == 1 and not session.record.optimizers[same[0].index].renewed):
        return None
    if len(same) > 1:
        _join(session, same[0], same[1])
    found = session.tracked[same[0].index]
    session.record.optimizers[found.index].renewed += len(same)
    found.optimizer = optimizer
    found.gather()
    return found


def _join(session: Session, first: Tracked, second: Tracked) -> None:
    """Put the second one, which knows the gradients of this step, in the place of the first, and close the gap."""
    gone = second.index
    second.steps += first.steps
    session.tracked[first.index] = second
    del session.tracked[gone], session.record.optimizers[gone]
    for place, tracked in enumerate(session.tracked):
        tracked.index = place
    for step in session.record.steps:
        if step.optimizer == gone:
            step.optimizer = first.index
            step.number += 1
        elif step.optimizer > gone:
            step.optimizer -= 1
    for event in session.record.events:
        if event.optimizer is not None and event.optimizer >= gone:
            event.optimizer = first.index if event.optimizer == gone else event.optimizer - 1
    session.course.replace(first, second)
