"""The line as a lerp, once raw and once clamped."""

import torch
from torch import nn


class RawFlow(nn.Module):
    def __init__(self, net):
        super().__init__()
        self.net = net

    def loss(self, actions, condition):
        noise = torch.randn_like(actions)
        time = torch.rand(len(actions), 1, device=actions.device)  # CVG401
        noisy = torch.lerp(noise, actions, time)
        return (self.net(noisy, time, condition) - (actions - noise)).pow(2).mean()


class ClampedFlow(RawFlow):
    def loss(self, actions, condition):
        noise = torch.randn_like(actions)
        time = torch.rand(len(actions), 1, device=actions.device).clamp(1e-4, 1 - 1e-4)
        noisy = torch.lerp(noise, actions, time)
        return (self.net(noisy, time, condition) - (actions - noise)).pow(2).mean()
