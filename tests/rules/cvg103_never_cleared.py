"""Each step adds the gradients of all steps before."""

import torch


def train(model, loader, criterion):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for epoch in range(10):
        for x, y in loader:
            loss = criterion(model(x), y)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()  # CVG103


def train_without_end(model, batches, criterion, optimizer):
    step = 0
    while step < 100_000:
        x, y = next(batches)
        criterion(model(x), y).backward()
        optimizer.step()  # CVG103
        step += 1
