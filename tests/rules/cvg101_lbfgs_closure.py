"""The closure is the training step; it stands apart from the step call."""

import torch
from torch.nn import functional


def fit_bare(model, x, y):
    optimizer = torch.optim.LBFGS(model.parameters(), lr=0.8)
    for _ in range(15):

        def closure():
            optimizer.zero_grad()
            loss = functional.mse_loss(model(x), y)
            loss.backward()
            return loss

        optimizer.step(closure)  # CVG101


def fit_clipped(model, x, y):
    optimizer = torch.optim.LBFGS(model.parameters(), lr=0.8)

    def closure():
        optimizer.zero_grad()
        loss = functional.mse_loss(model(x), y)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 10.0)
        return loss

    for _ in range(15):
        optimizer.step(closure)
