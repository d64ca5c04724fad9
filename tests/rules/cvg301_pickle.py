"""Raw states out of a pickle."""

import pickle

import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x):
        return self.layer(x)


def fit():
    with open("demo.pkl", "rb") as file:
        data = pickle.load(file)
    states = torch.tensor(data["states"], dtype=torch.float32)
    net = Net()
    optimizer = torch.optim.Adam(net.parameters())
    for batch in states.split(32):
        loss = net(batch).square().mean()  # CVG301
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
