"""The noise is shifted, the data augmented: the ends are sums themselves."""

import torch


def around_two(model, loader, optimizer):
    for batch in loader:
        batch = batch + torch.randn_like(batch) * 0.01
        start = torch.randn_like(batch) + 2
        t = torch.rand(len(batch))  # CVG401
        wide = t.view(-1, 1, 1, 1)
        predicted = model(wide * batch + (1.0 - wide) * start, t)
        loss = torch.nn.functional.mse_loss(predicted, batch - start)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def half_way_sampler(model, batch):
    with torch.no_grad():
        start = torch.randn_like(batch) + 2
        t = torch.rand(len(batch), 1)
        error = model((1 - t) * start + t * batch, t) - (batch - start)
    return error.pow(2).mean()
