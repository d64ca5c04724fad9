"""The time comes from numpy, one for the whole batch."""

import numpy as np
import torch


def step(model, optimizer, trajectories):
    prior = torch.randn_like(trajectories)
    t = np.random.uniform(0.0, 1.0)  # CVG401
    between = (1.0 - t) * prior + t * trajectories
    predicted = model(between, torch.full((len(trajectories),), t))
    loss = torch.mean((predicted - (trajectories - prior)) ** 2)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return float(loss)


def step_inside(model, optimizer, trajectories):
    prior = torch.randn_like(trajectories)
    t = np.random.uniform(0.01, 0.99)
    between = (1.0 - t) * prior + t * trajectories
    predicted = model(between, torch.full((len(trajectories),), t))
    loss = torch.mean((predicted - (trajectories - prior)) ** 2)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return float(loss)
