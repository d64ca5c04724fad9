"""Clearing by the optimizer, by the model, by hand, at either end of the round."""

import torch


def at_the_end(model, loader, optimizer):
    for x, y in loader:
        (model(x) - y).abs().mean().backward()
        optimizer.step()
        optimizer.zero_grad()


def between_forward_and_backward(model, loader, optimizer):
    for x, y in loader:
        loss = (model(x) - y).abs().mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()


def by_the_model(model, loader):
    optimizer = torch.optim.Adam(model.parameters())
    for x, y in loader:
        model.zero_grad()
        (model(x) - y).abs().mean().backward()
        optimizer.step()


def by_none(model, loader, optimizer):
    for x, y in loader:
        for parameter in model.parameters():
            parameter.grad = None
        (model(x) - y).abs().mean().backward()
        optimizer.step()


def by_zero(model, loader, optimizer):
    for x, y in loader:
        (model(x) - y).abs().mean().backward()
        optimizer.step()
        for group in optimizer.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    p.grad.zero_()
