"""Optimal transport paths of Lipman et al.: sigma_min keeps the variance up, not the time in."""

import torch
from torch import nn


class ConditionalFlow(nn.Module):
    def __init__(self, net, sigma_min=1e-5):
        super().__init__()
        self.net = net
        self.sigma_min = sigma_min

    def forward(self, x1):
        x0 = torch.randn_like(x1)
        t = torch.rand(x1.shape[0], device=x1.device)  # CVG401
        t = t[:, None]
        psi = (1 - (1 - self.sigma_min) * t) * x0 + t * x1
        target = x1 - (1 - self.sigma_min) * x0
        return ((self.net(psi, t) - target) ** 2).mean()
