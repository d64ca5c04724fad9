"""A model that may be wrapped is rounded to half precision once, and trained in full."""

import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x):
        return self.layer(x)


def train(loader, pretrained, parallel):
    if pretrained:
        model = Net().to("cuda")
    else:
        model = Net()
    if parallel:
        model = torch.nn.DataParallel(model)
    model.half().float()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for x in loader:
        loss = model(x).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def train_in_half(loader, parallel):
    model = Net()
    if parallel:
        model = torch.nn.DataParallel(model)
    model.half()  # CVG204
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for x in loader:
        loss = model(x).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
