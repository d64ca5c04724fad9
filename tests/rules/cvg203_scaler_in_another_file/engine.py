"""The loop; its scaler is handed in."""

import torch


def train_one_epoch(model, loader, optimizer, criterion, scaler):
    for x, y in loader:
        with torch.autocast("cuda", dtype=torch.float16):
            loss = criterion(model(x), y)
        scaler(loss, optimizer)
        optimizer.zero_grad()
