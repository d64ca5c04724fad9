"""A cast of the trained model, with and without a switch."""

import torch


def hard_wired(model, loader, criterion):
    model = model.cuda().half()  # CVG204
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for x, y in loader:
        optimizer.zero_grad()
        loss = criterion(model(x.half()), y) * 128.0
        loss.backward()
        optimizer.step()


def switchable(args, model, loader, criterion):
    model = model.cuda()
    if args.half:
        model.half()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for x, y in loader:
        optimizer.zero_grad()
        loss = criterion(model(x), y) * 128.0
        loss.backward()
        optimizer.step()
