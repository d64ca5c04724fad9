"""A norm that is bounded by infinity is measured, not clipped."""

import math

import torch


def train(model, loader, optimizer, log):
    for x, y in loader:
        optimizer.zero_grad()
        loss = (model(x) - y).pow(2).mean()
        loss.backward()
        log.append(torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm=float("inf")).item())
        optimizer.step()  # CVG101


def train_with_math(model, loader, optimizer, log):
    for x, y in loader:
        optimizer.zero_grad()
        loss = (model(x) - y).pow(2).mean()
        loss.backward()
        log.append(torch.nn.utils.clip_grad_norm_(model.parameters(), math.inf).item())
        optimizer.step()  # CVG101
