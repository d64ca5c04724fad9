"""float16 that only a flag or a variable turns on: not sure, so not said."""

import argparse

import torch


def by_flag(model, loader, criterion):
    parser = argparse.ArgumentParser()
    parser.add_argument("--amp", action="store_true")
    args = parser.parse_args()
    optimizer = torch.optim.Adam(model.parameters())
    for x, y in loader:
        optimizer.zero_grad()
        with torch.autocast("cuda", enabled=args.amp):
            loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()


def by_dtype(model, loader, optimizer, criterion, dtype):
    for x, y in loader:
        optimizer.zero_grad()
        with torch.autocast("cuda", dtype=dtype):
            loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()


def by_capability(model, loader, optimizer, criterion):
    dtype = torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    for x, y in loader:
        optimizer.zero_grad()
        with torch.autocast("cuda", dtype=dtype):
            loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
