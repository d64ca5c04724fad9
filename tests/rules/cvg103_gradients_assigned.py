"""Gradients that are written anew each round need no clearing."""

import torch


def train(model, loader, optimizer):
    parameters = list(model.parameters())
    for x, y in loader:
        loss = (model(x) - y).pow(2).mean()
        grads = torch.autograd.grad(loss, parameters)
        for parameter, grad in zip(parameters, grads, strict=True):
            parameter.grad = grad
        optimizer.step()
