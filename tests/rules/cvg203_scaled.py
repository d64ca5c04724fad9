"""A scaler, always or when it is asked for."""

import torch


def always(model, loader, optimizer, criterion):
    scaler = torch.amp.GradScaler("cuda")
    for x, y in loader:
        optimizer.zero_grad()
        with torch.autocast("cuda", dtype=torch.float16):
            loss = criterion(model(x), y)
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()


def if_asked_for(args, model, loader, optimizer, criterion):
    scaler = torch.cuda.amp.GradScaler() if args.amp else None
    for x, y in loader:
        optimizer.zero_grad()
        with torch.cuda.amp.autocast(enabled=args.amp):
            loss = criterion(model(x), y)
        if scaler is not None:
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
        else:
            loss.backward()
            optimizer.step()


def by_name_of_the_dtype(model, loader, optimizer, criterion, dtype="float16"):
    scaler = torch.cuda.amp.GradScaler(enabled=(dtype == "float16"))
    for x, y in loader:
        optimizer.zero_grad(set_to_none=True)
        with torch.amp.autocast(device_type="cuda", dtype=getattr(torch, dtype)):
            loss = criterion(model(x), y)
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
