"""A hook that looks at gradients and leaves them as they are."""

import torch
from torch import nn


def main(loader):
    model = nn.GRU(8, 32, batch_first=True)
    norms = []
    for parameter in model.parameters():
        parameter.register_hook(lambda grad: norms.append(grad.norm().item()))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for x, y in loader:
        optimizer.zero_grad()
        output, _ = model(x)
        loss = (output[:, -1] - y).pow(2).mean()
        loss.backward()
        optimizer.step()  # CVG101
