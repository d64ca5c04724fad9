"""The optimizer step that every training script shares."""

import torch


def optimizer_step(loss, optimizer, model, scaler, max_norm=1.0):
    """Update `model` by the gradient of `loss` (a scalar); return the norm before clipping.

    Raises FloatingPointError when the loss is NaN or infinite, before it reaches the weights.
    `scaler` is a `torch.amp.GradScaler`; a disabled one does nothing.
    """
    if not torch.isfinite(loss):
        raise FloatingPointError(f"loss is {loss.item()}")
    optimizer.zero_grad(set_to_none=True)
    scaler.scale(loss).backward()
    # The norm means something only on gradients that are no longer scaled.
    scaler.unscale_(optimizer)
    grad_norm = torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm)
    scaler.step(optimizer)
    scaler.update()
    return grad_norm.item()
