"""Raises, or only says so."""

import math

import torch


def require_finite(loss, step):
    if not math.isfinite(loss.item()):
        raise FloatingPointError(f"loss is {loss.item()} at step {step}")
    return loss


def warn_if_not_finite(loss, step):
    if torch.isnan(loss):
        print(f"warning: NaN at step {step}")
    return loss
