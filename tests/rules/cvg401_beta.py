"""A Beta draw leans to one side and still reaches both ends; pi0 shifts and shrinks it."""

import torch
from torch.distributions import Beta


def raw_loss(model, actions):
    noise = torch.randn_like(actions)
    time = Beta(1.5, 1.0).sample((actions.shape[0],)).to(actions.device)  # CVG401
    time = time[:, None, None]
    x_t = time * noise + (1 - time) * actions
    return (model(x_t, time) - (noise - actions)).square().mean()


def shrunk_loss(model, actions):
    noise = torch.randn_like(actions)
    time = Beta(1.5, 1.0).sample((actions.shape[0],)).to(actions.device) * 0.999 + 0.001
    time = time[:, None, None]
    x_t = time * noise + (1 - time) * actions
    return (model(x_t, time) - (noise - actions)).square().mean()
