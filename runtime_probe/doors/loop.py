"""The training loop of the probe's own, for models that come without one."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from runtime_probe.tap.loaders import cut

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

    from runtime_probe.tap.session import Session


def drive(
    session: Session,
    loss_of: Callable[[Any], torch.Tensor],
    batch: Any,
    optimizer: torch.optim.Optimizer,
) -> None:
    """Train on one batch until the session has seen what it needs.

    The first step is on the whole batch, all others on its first few samples. The second step leaves
    one sample out where the batch was not larger anyway: of two sizes of the batch the tap learns which
    dimension is the batch.
    """
    session.record.own_loop = True
    session.feed.take(batch)
    _step(optimizer, lambda: loss_of(copy.deepcopy(batch)))
    size = session.record.batch.size
    if session.active and size == session.record.batch.original and size > 2:
        session.calls.sizes.clear()
        smaller = cut(copy.deepcopy(batch), size, size - 1)
        if smaller is not None:
            with session.looking("a step with one sample less"):  # a model may be made for one size of batch
                _step(optimizer, lambda: loss_of(smaller))
    # Ten steps, then at most four experiments of one step each and one of ten.
    for _ in range(10 * session.options.steps + 50):
        if not session.active:
            return
        _step(optimizer, lambda: loss_of(session.feed.again(batch)))


def _step(optimizer: torch.optim.Optimizer, loss_of: Callable[[], torch.Tensor]) -> None:
    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = loss_of()
        loss.backward()
        return loss

    if "LBFGS" in type(optimizer).__name__.upper():
        optimizer.step(closure)
    else:
        closure()
        optimizer.step()
