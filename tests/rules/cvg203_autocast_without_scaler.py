"""float16 in the forward, and nothing that scales the loss."""

import torch


def explicit(model, loader, optimizer, criterion):
    for x, y in loader:
        optimizer.zero_grad()
        with torch.autocast(device_type="cuda", dtype=torch.float16):
            loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()  # CVG203


def by_default(model, loader, optimizer, criterion):
    for x, y in loader:
        optimizer.zero_grad()
        with torch.cuda.amp.autocast():
            loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()  # CVG203


def by_default_in_new_words(model, loader, optimizer, criterion):
    for x, y in loader:
        optimizer.zero_grad()
        with torch.amp.autocast("cuda"):
            loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()  # CVG203
