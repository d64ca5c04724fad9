"""The velocity has a name; the point on the line is made from it."""

import torch
from torch import nn


class RectifiedFlow:
    def __init__(self, velocity, lr=1e-4):
        self.velocity = velocity
        self.optimizer = torch.optim.AdamW(velocity.parameters(), lr=lr)

    def update(self, x1):
        x0 = torch.randn_like(x1)
        t = torch.rand(x1.size(0), 1, device=x1.device)  # CVG401
        flow = x1 - x0
        xt = t * flow + x0
        loss = nn.functional.mse_loss(self.velocity(xt, t), flow)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()
