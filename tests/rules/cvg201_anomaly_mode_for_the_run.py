"""Anomaly detection raises in backward, and tells where the NaN was made."""

import torch


def train(model, loader, optimizer, criterion):
    for x, y in loader:
        optimizer.zero_grad()
        criterion(model(x), y).backward()
        optimizer.step()


def main(args, model, loader, criterion):
    torch.autograd.set_detect_anomaly(args.debug)
    train(model, loader, torch.optim.Adam(model.parameters()), criterion)
