"""Clears a list of optimizers."""


def reset(optimizers):
    for optimizer in optimizers:
        optimizer.zero_grad(set_to_none=True)
