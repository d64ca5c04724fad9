"""The scaler is made, and the loss goes past it."""

import torch
from torch.cuda.amp import GradScaler, autocast


def train(model, loader, criterion):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    scaler = GradScaler()
    for x, y in loader:
        optimizer.zero_grad()
        with autocast():
            loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()  # CVG203
        scaler.update()
