"""Bounds of 0 and 1 keep nothing out, nor does a stratified draw."""

import torch


def clamped_uniform(model, x1):
    x0 = torch.randn_like(x1)
    t = torch.rand(len(x1), 1).clamp(0.0, 1.0)  # CVG401
    x_t = (1 - t) * x0 + t * x1
    return (model(x_t, t) - (x1 - x0)).pow(2).mean()


def stratified(model, x1):
    x0 = torch.randn_like(x1)
    count = x1.shape[0]
    t = (torch.rand(count) + torch.arange(count)) / count  # CVG401
    t = t[:, None]
    x_t = (1 - t) * x0 + t * x1
    return (model(x_t, t) - (x1 - x0)).pow(2).mean()
