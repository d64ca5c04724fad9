"""Puts them together."""

import torch
from engine import train_one_epoch
from scaling import Scaler


def main(model, loader):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    scaler = Scaler()
    for _ in range(10):
        train_one_epoch(model, loader, optimizer, torch.nn.functional.mse_loss, scaler)
