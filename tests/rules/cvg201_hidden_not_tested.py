"""What makes a NaN invisible or rarer is no test: nan_to_num, an epsilon, a scaler, a clamp."""

import torch


def replaces(model, loader, optimizer):
    for x, y in loader:
        optimizer.zero_grad()
        loss = torch.nan_to_num(-(y * torch.log(model(x) + 1e-8)).sum(dim=1).mean())
        loss.backward()
        optimizer.step()  # CVG201


def scales(model, loader, optimizer, criterion):
    scaler = torch.amp.GradScaler("cuda")
    for x, y in loader:
        optimizer.zero_grad()
        with torch.autocast("cuda", dtype=torch.float16):
            loss = criterion(model(x), y).clamp(max=100.0)
        scaler.scale(loss).backward()
        scaler.step(optimizer)  # CVG201
        scaler.update()
