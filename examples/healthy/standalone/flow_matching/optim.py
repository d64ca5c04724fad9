"""The optimizer step, apart from the training loop."""

import torch


def optimizer_step(loss, optimizer, model, max_norm=1.0):
    """Update `model` by the gradient of `loss` (a scalar); return the norm before clipping.

    Raises FloatingPointError when the loss is NaN or infinite, before it reaches the weights.
    """
    if not torch.isfinite(loss):
        raise FloatingPointError(f"loss is {loss.item()}")
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    grad_norm = torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm)
    optimizer.step()
    return grad_norm.item()
