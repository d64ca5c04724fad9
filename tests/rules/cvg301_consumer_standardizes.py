"""A raw dataset whose only consumer standardizes what it hands out."""

import numpy as np
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x):
        return self.layer(x)


class Rows(torch.utils.data.Dataset):
    def __init__(self, path):
        self.x = np.load(path)
        self.mean, self.std = self.x.mean(0), self.x.std(0)

    def __getitem__(self, i):
        return self.x[i]


def fit():
    net = Net()
    rows = Rows("d.npy")
    optimizer = torch.optim.Adam(net.parameters())
    for x in torch.utils.data.DataLoader(rows, batch_size=8):
        x = (x - rows.mean) / rows.std
        loss = net(x.float()).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
