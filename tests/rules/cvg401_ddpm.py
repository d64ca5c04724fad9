"""Integer timesteps of a noise scheduler: no flow."""

import torch
from torch import nn


class Diffusion(nn.Module):
    def __init__(self, net, steps=1000):
        super().__init__()
        self.net = net
        self.steps = steps
        betas = torch.linspace(1e-4, 0.02, steps)
        self.register_buffer("alpha_bar", torch.cumprod(1 - betas, dim=0))

    def loss(self, x0):
        t = torch.randint(0, self.steps, (len(x0),), device=x0.device)
        noise = torch.randn_like(x0)
        a = self.alpha_bar[t][:, None]
        noisy = a.sqrt() * x0 + (1 - a).sqrt() * noise
        return nn.functional.mse_loss(self.net(noisy, t), noise)
