"""The plain recipe: a uniform time, a straight line, its velocity."""

import torch
from torch.nn import functional as F


def train(model, loader, optimizer, device):
    for data, _ in loader:
        data = data.to(device)
        noise = torch.randn_like(data)
        t = torch.rand(data.shape[0], 1, 1, 1, device=device)  # CVG401
        x_t = (1 - t) * noise + t * data
        loss = F.mse_loss(model(x_t, t.flatten()), data - noise)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
