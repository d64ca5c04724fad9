"""A flag, a dtype variable, a capability test, a branch: each is a way out of float16."""

import argparse

import torch


def by_flag(model, loader, criterion):
    parser = argparse.ArgumentParser()
    parser.add_argument("--no-amp", dest="amp", action="store_false")
    args = parser.parse_args()
    optimizer = torch.optim.Adam(model.parameters())
    scaler = torch.amp.GradScaler("cuda", enabled=args.amp)
    for x, y in loader:
        optimizer.zero_grad()
        with torch.autocast("cuda", dtype=torch.float16, enabled=args.amp):
            loss = criterion(model(x), y)
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()


def by_dtype(model, loader, optimizer, criterion, scaler, dtype=torch.float16):
    for x, y in loader:
        optimizer.zero_grad()
        with torch.autocast("cuda", dtype=dtype):
            loss = criterion(model(x), y)
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()


def by_capability(model, loader, optimizer, criterion, scaler):
    dtype = torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    for x, y in loader:
        optimizer.zero_grad()
        with torch.autocast("cuda", dtype=dtype):
            loss = criterion(model(x), y)
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()


def by_branch(args, model, loader, optimizer, criterion, scaler):
    for x, y in loader:
        optimizer.zero_grad()
        if args.fp16:
            with torch.autocast("cuda", dtype=torch.float16):
                loss = criterion(model(x), y)
        else:
            loss = criterion(model(x), y)
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
