"""An ODE is integrated over all of [0, 1] at inference; training clamps."""

import torch
from torch import nn


class Flow(nn.Module):
    def __init__(self, net):
        super().__init__()
        self.net = net

    def loss(self, x1):
        x0 = torch.randn_like(x1)
        t = torch.rand(len(x1), 1, device=x1.device).clamp(1e-3, 1.0 - 1e-3)
        return nn.functional.mse_loss(self.net((1 - t) * x0 + t * x1, t), x1 - x0)

    @torch.no_grad()
    def sample(self, shape, steps=50):
        x = torch.randn(shape)
        grid = torch.linspace(0, 1, steps + 1)
        for start, end in zip(grid[:-1], grid[1:]):
            x = x + (end - start) * self.net(x, start.expand(len(x), 1))
        return x
