"""The loss is made, tested or not, in a closure."""

import torch


def fit(model, x, y):
    optimizer = torch.optim.LBFGS(model.parameters())

    def closure():
        optimizer.zero_grad()
        loss = (model(x) - y).pow(2).mean()
        loss.backward()
        return loss

    for _ in range(20):
        optimizer.step(closure)  # CVG201


def fit_and_look(model, x, y):
    optimizer = torch.optim.LBFGS(model.parameters())

    def closure():
        optimizer.zero_grad()
        loss = (model(x) - y).pow(2).mean()
        if torch.isnan(loss):
            raise FloatingPointError("diverged")
        loss.backward()
        return loss

    for _ in range(20):
        optimizer.step(closure)
