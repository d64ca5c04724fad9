"""The scaler's part of an update."""

import torch


class Amp:
    def __init__(self, enabled):
        self.scaler = torch.amp.GradScaler("cuda", enabled=enabled)

    def backward(self, loss, optimizer):
        self.scaler.scale(loss).backward()
        self.scaler.unscale_(optimizer)

    def step(self, optimizer):
        self.scaler.step(optimizer)
        self.scaler.update()
