"""Tensors that somebody recorded, and tensors that the project wrote itself once they were clean."""

import torch
from torch import nn


class Regressor(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(7, 64), nn.ReLU(), nn.Linear(64, 7))

    def forward(self, state):
        return self.layers(state)


def prepare(states):
    states = (states - states.mean(0)) / states.std(0)
    torch.save(states, "prepared.pt")


def train_on_recorded():
    data = torch.load("recorded.pt")
    model = Regressor()
    optimizer = torch.optim.Adam(model.parameters())
    for _ in range(100):
        loss = (model(data["states"]) - data["actions"]).pow(2).mean()  # CVG301
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def train_on_prepared():
    data = torch.load("prepared.pt")
    model = Regressor()
    optimizer = torch.optim.Adam(model.parameters())
    for _ in range(100):
        loss = (model(data) - 1).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
