"""Min-max scaling to [-1, 1]."""

import numpy as np
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x):
        return self.layer(x)


def fit():
    x = torch.from_numpy(np.load("states.npy")).float()
    low, high = x.min(0).values, x.max(0).values
    x = 2 * (x - low) / (high - low) - 1
    net = Net()
    optimizer = torch.optim.Adam(net.parameters())
    for _ in range(100):
        loss = net(x).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
