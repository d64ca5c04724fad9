"""The capability is there, whoever starts the run decides."""

import argparse

import torch


def main(model, loader, criterion):
    parser = argparse.ArgumentParser()
    parser.add_argument("--check-nan", action="store_true")
    args = parser.parse_args()
    optimizer = torch.optim.Adam(model.parameters())
    for x, y in loader:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        if args.check_nan and not torch.isfinite(loss):
            raise FloatingPointError("loss")
        loss.backward()
        optimizer.step()
