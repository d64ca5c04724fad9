"""A switch chooses how the time is drawn; its default decides."""

import torch


class LogitNormalByDefault:
    def __init__(self, model, sampling="logit_normal"):
        self.model = model
        self.sampling = sampling

    def loss(self, x1):
        x0 = torch.randn_like(x1)
        if self.sampling == "uniform":
            t = torch.rand(len(x1), 1)
        else:
            t = torch.sigmoid(torch.randn(len(x1), 1))
        x_t = (1 - t) * x0 + t * x1
        return (self.model(x_t, t) - (x1 - x0)).pow(2).mean()
