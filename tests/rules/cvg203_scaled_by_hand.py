"""A static loss scale is a scaler; so is apex."""

import torch
from apex import amp

LOSS_SCALE = 1024.0


def static(model, master, loader, criterion):
    model = model.half()
    optimizer = torch.optim.SGD(master, lr=0.1)
    for x, y in loader:
        model.zero_grad()
        loss = criterion(model(x.half()).float(), y)
        scaled_loss = loss * LOSS_SCALE
        scaled_loss.backward()
        for half, full in zip(model.parameters(), master, strict=True):
            full.grad = half.grad.float() / LOSS_SCALE
        optimizer.step()


def with_apex(model, loader, criterion):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    model, optimizer = amp.initialize(model, optimizer, opt_level="O2")
    for x, y in loader:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        with amp.scale_loss(loss, optimizer) as scaled:
            scaled.backward()
        optimizer.step()
