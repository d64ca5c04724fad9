"""Which loss is taken is for a config to say; each of them regresses the velocity at the time that is drawn."""

import torch
import yaml
from torch.nn.functional import mse_loss


def straight_loss(model, x1, t):
    x0 = torch.randn_like(x1)
    x_t = t[:, None] * x1 + (1 - t[:, None]) * x0
    return mse_loss(model(x_t, t), x1 - x0)


def noisy_loss(model, x1, t):
    x0 = torch.randn_like(x1)
    x_t = t[:, None] * x1 + (1 - t[:, None]) * x0 + 0.01 * torch.randn_like(x1)
    return mse_loss(model(x_t, t), x1 - x0)


LOSSES = {"straight": straight_loss, "noisy": noisy_loss}


def loss_by_name(name):
    return LOSSES[name]


def train(model, loader, optimizer, config):
    loss_fn = loss_by_name(config["loss"])

    def loss_of(x1):
        t = torch.empty(len(x1)).uniform_(0, 1)  # CVG401
        return loss_fn(model, x1, t)

    def loss_inside(x1):
        t = torch.empty(len(x1)).uniform_(0.001, 0.999)
        return loss_fn(model, x1, t)

    for batch in loader:
        loss = loss_of(batch) + loss_inside(batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def folded(model, x1):
    u = torch.rand(len(x1), 1)  # CVG401
    t = 1 - (2 * u - 1).abs()
    x0 = torch.randn_like(x1)
    return mse_loss(model((1 - t) * x0 + t * x1, t), x1 - x0)


if __name__ == "__main__":
    with open("config.yaml") as file:
        train(torch.nn.Linear(2, 2), [], None, yaml.safe_load(file))
