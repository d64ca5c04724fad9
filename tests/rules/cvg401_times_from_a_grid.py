"""Times picked from a grid, and generators known by their making."""

import numpy as np
import torch


def loss_of(model, x1, t):
    x0 = torch.randn_like(x1)
    return (model((1 - t) * x0 + t * x1, t) - (x1 - x0)).pow(2).mean()


def picked(model, x1, steps=100):
    grid = torch.linspace(0, 1, steps)
    t = grid[torch.randint(0, steps, (len(x1),))][:, None]  # CVG401
    return loss_of(model, x1, t)


def picked_inside(model, x1, steps=100):
    grid = torch.linspace(1e-3, 1 - 1e-3, steps)
    return loss_of(model, x1, grid[torch.randint(0, steps, (len(x1),))][:, None])


def counted(model, x1, steps=100):
    t = torch.randint(0, steps, (len(x1), 1)) / steps  # CVG401
    return loss_of(model, x1, t)


def stratified(model, x1):
    n = len(x1)
    t = (torch.arange(n) + torch.rand(n)) / n  # CVG401
    return loss_of(model, x1, t[:, None])


def by_a_generator(model, x1):
    draw = np.random.default_rng(0)
    t = torch.as_tensor(draw.random((len(x1), 1)))  # CVG401
    return loss_of(model, x1, t)


def by_a_generator_of_an_interval(model, x1):
    draw = np.random.default_rng(0)
    return loss_of(model, x1, torch.as_tensor(draw.uniform(0.01, 0.99, (len(x1), 1))))


def clamped_normal(model, x1):
    # Unlike a squashed normal, a clamped one stands on the ends again and again.
    t = torch.randn(len(x1), 1).mul(0.3).add(0.5)
    inside = t.clamp(0.01, 0.99)
    return loss_of(model, x1, inside)


def clamped_to_the_ends(model, x1):
    t = torch.randn(len(x1), 1).clamp(0, 1)  # CVG401
    return loss_of(model, x1, t)
