"""Clipping without torch's function."""

import torch


def by_value(net, batches, optimizer):
    for x, y in batches:
        optimizer.zero_grad()
        (net(x) - y).pow(2).mean().backward()
        for p in net.parameters():
            if p.grad is not None:
                p.grad.data.clamp_(-1, 1)
        optimizer.step()


def by_norm(net, batches, optimizer, bound=1.0):
    for x, y in batches:
        optimizer.zero_grad()
        (net(x) - y).pow(2).mean().backward()
        grads = [p.grad for p in net.parameters() if p.grad is not None]
        total = torch.sqrt(sum(g.pow(2).sum() for g in grads))
        if total > bound:
            for g in grads:
                g.mul_(bound / total)
        optimizer.step()


def by_assignment(net, batches, optimizer):
    for x, y in batches:
        optimizer.zero_grad()
        (net(x) - y).pow(2).mean().backward()
        for p in net.parameters():
            p.grad = torch.clamp(p.grad, min=-0.1, max=0.1)
        optimizer.step()
