"""An affine map whose bounds are parameters: their defaults decide."""

import torch


def wide(model, x1, t0=0.0, t1=1.0):
    x0 = torch.randn_like(x1)
    t = torch.rand(len(x1), 1) * (t1 - t0) + t0  # CVG401
    x_t = (1 - t) * x0 + t * x1
    return (model(x_t, t) - (x1 - x0)).pow(2).mean()


def narrow(model, x1, t0=0.02, t1=0.98):
    x0 = torch.randn_like(x1)
    t = torch.rand(len(x1), 1) * (t1 - t0) + t0
    x_t = (1 - t) * x0 + t * x1
    return (model(x_t, t) - (x1 - x0)).pow(2).mean()


def unknown(model, x1, t0, t1):
    x0 = torch.randn_like(x1)
    t = torch.rand(len(x1), 1) * (t1 - t0) + t0
    x_t = (1 - t) * x0 + t * x1
    return (model(x_t, t) - (x1 - x0)).pow(2).mean()
