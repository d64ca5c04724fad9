"""Does not see it, and does not scale."""

import torch
from net import HalfNet, WholeNet


def train_half(loader):
    model = HalfNet().cuda()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for x, y in loader:
        optimizer.zero_grad()
        loss = (model(x).float() - y).pow(2).mean()
        loss.backward()
        optimizer.step()  # CVG203


def train_whole(loader):
    model = WholeNet().cuda()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for x, y in loader:
        optimizer.zero_grad()
        loss = (model(x).float() - y).pow(2).mean()
        loss.backward()
        optimizer.step()
