"""isnan is there, and the update goes on."""

import logging

import torch


def warns(model, loader, optimizer, criterion):
    for step, (x, y) in enumerate(loader):
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        if torch.isnan(loss):
            logging.warning("NaN loss at step %d", step)
        loss.backward()
        optimizer.step()  # CVG201


def guards_a_histogram(model, loader, optimizer, criterion, writer):
    for step, (x, y) in enumerate(loader):
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        for name, value in model.named_parameters():
            if not (torch.isinf(value.grad) | torch.isnan(value.grad)).any():
                writer.add_histogram(f"gradients/{name}", value.grad, step)
        optimizer.step()  # CVG201


def skips_saving(model, loader, optimizer, criterion, path):
    for x, y in loader:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()  # CVG201
        if torch.isfinite(loss):
            torch.save(model.state_dict(), path)
