"""The closure clears, or forgets to."""

import torch


def fit(model, x, y):
    optimizer = torch.optim.LBFGS(model.parameters())

    def closure():
        optimizer.zero_grad()
        loss = (model(x) - y).pow(2).mean()
        loss.backward()
        return loss

    for _ in range(20):
        optimizer.step(closure)


def fit_piling_up(model, x, y):
    optimizer = torch.optim.LBFGS(model.parameters())

    def closure():
        loss = (model(x) - y).pow(2).mean()
        loss.backward()
        return loss

    for _ in range(20):
        optimizer.step(closure)  # CVG103
