"""Each way to keep an end out, on the same loss."""

import torch


class Flow:
    eps = 1e-3

    def __init__(self, model):
        self.model = model

    def _loss(self, x1, t):
        x0 = torch.randn_like(x1)
        x_t = (1 - t) * x0 + t * x1
        return (self.model(x_t, t) - (x1 - x0)).pow(2).mean()

    def clamped(self, x1):
        t = torch.rand(len(x1), 1, device=x1.device)
        return self._loss(x1, torch.clamp(t, self.eps, 1 - self.eps))

    def clipped(self, x1):
        return self._loss(x1, torch.rand(len(x1), 1).clip(min=1e-5))

    def affine(self, x1):
        u = torch.rand(len(x1), 1)
        return self._loss(x1, self.eps + (1 - 2 * self.eps) * u)

    def shrunk(self, x1):
        u = torch.rand(len(x1), 1)
        return self._loss(x1, u * 0.999 + 0.001)

    def mirrored(self, x1):
        return self._loss(x1, (1 - torch.rand(len(x1), 1)) * 0.999)

    def logit_normal(self, x1):
        return self._loss(x1, torch.sigmoid(torch.randn(len(x1), 1)))

    def wrapped(self, x1):
        u = (torch.rand(1) + torch.arange(len(x1)) / len(x1)) % (1 - 1e-5)
        return self._loss(x1, u[:, None])
