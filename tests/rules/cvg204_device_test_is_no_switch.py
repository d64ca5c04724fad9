"""What asks only for the device leaves float16 on wherever there is a GPU."""

import torch

device = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def by_availability(model, loader, optimizer, criterion):
    scaler = torch.cuda.amp.GradScaler(enabled=torch.cuda.is_available())
    for x, y in loader:
        optimizer.zero_grad()
        with torch.cuda.amp.autocast(enabled=torch.cuda.is_available()):  # CVG204
            loss = criterion(model(x), y)
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()


def by_type(model, loader, optimizer, criterion):
    scaler = torch.amp.GradScaler(device.type, enabled=device.type == "cuda")
    for x, y in loader:
        optimizer.zero_grad()
        with torch.autocast("cuda", dtype=torch.float16, enabled=device.type == "cuda"):  # CVG204
            loss = criterion(model(x), y)
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
