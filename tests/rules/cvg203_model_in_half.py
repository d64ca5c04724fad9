"""The trained model itself is cast."""

import torch


def by_half(model, loader, criterion):
    model = model.cuda().half()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for x, y in loader:
        optimizer.zero_grad()
        loss = criterion(model(x.half()), y)
        loss.backward()
        optimizer.step()  # CVG203


def by_to(model, loader, criterion):
    model.to(torch.float16)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for x, y in loader:
        optimizer.zero_grad()
        loss = criterion(model(x.to(torch.float16)), y)
        loss.backward()
        optimizer.step()  # CVG203
