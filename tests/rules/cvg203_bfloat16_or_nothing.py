"""bfloat16 needs no scaler, nor does an autocast that is off or on the CPU."""

import torch


def bfloat16(model, loader, optimizer, criterion):
    for x, y in loader:
        optimizer.zero_grad()
        with torch.autocast("cuda", dtype=torch.bfloat16):
            loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()


def bfloat16_by_another_name(model, loader, optimizer, criterion):
    half = torch.bfloat16
    model = model.to(half)
    for x, y in loader:
        optimizer.zero_grad()
        with torch.cuda.amp.autocast(dtype=half):
            loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()


def off(model, loader, optimizer, criterion):
    for x, y in loader:
        optimizer.zero_grad()
        with torch.cuda.amp.autocast(enabled=False):
            loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()


def on_the_cpu(model, loader, optimizer, criterion):
    for x, y in loader:
        optimizer.zero_grad()
        with torch.autocast("cpu"):
            loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
