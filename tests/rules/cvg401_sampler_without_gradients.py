"""A sampler of times is under `no_grad`; what is drawn trains a flow all the same."""

import torch


class TimeSampler:
    def __init__(self, kind="uniform"):
        self.kind = kind

    @torch.no_grad()
    def __call__(self, n, device):
        if self.kind == "uniform":
            t = torch.rand((n,), device=device)  # CVG401
        else:
            t = torch.sigmoid(torch.randn((n,), device=device))
        return t


class Interpolant:
    def __init__(self, name="straight"):
        if name.lower() in ["straight", "linear"]:
            alpha, beta = lambda t: t, lambda t: 1 - t
        else:
            alpha, beta = lambda t: torch.sin(t), lambda t: torch.cos(t)
        self.alpha, self.beta = alpha, beta


class Flow:
    def __init__(self, model, sampler: TimeSampler | str = "uniform", path: Interpolant | str = "straight"):
        self.model = model
        self.sampler = sampler if isinstance(sampler, TimeSampler) else TimeSampler(sampler)
        self.path = path if isinstance(path, Interpolant) else Interpolant(path)

    def loss(self, x1):
        x0 = torch.randn_like(x1)
        t = self.sampler(len(x1), x1.device)[:, None]
        x_t = self.path.alpha(t) * x1 + self.path.beta(t) * x0
        return (self.model(x_t, t) - (x1 - x0)).pow(2).mean()
