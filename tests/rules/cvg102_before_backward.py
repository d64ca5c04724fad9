"""Clipping gradients that do not exist yet."""

import torch


def train(model, loader, optimizer, criterion):
    for x, y in loader:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)  # CVG102
        loss.backward()
        optimizer.step()
