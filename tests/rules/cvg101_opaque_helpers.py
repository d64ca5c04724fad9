"""What a package that nobody can read does to the gradients is unknown."""

import torch
from company_training import guard_gradients, make_update


def train(model, loader):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for x, y in loader:
        optimizer.zero_grad()
        loss = (model(x) - y).pow(2).mean()
        loss.backward()
        guard_gradients(model.parameters())
        optimizer.step()


def train_by_update(model, loader):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    update = make_update(model, optimizer)
    for x, y in loader:
        update((model(x) - y).pow(2).mean())
