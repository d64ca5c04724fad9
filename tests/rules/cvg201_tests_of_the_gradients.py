"""A NaN in the loss is a NaN in the gradients and in their norm."""

import torch
from torch.nn.utils import clip_grad_norm_


def error_if_nonfinite(model, loader, optimizer, criterion):
    for x, y in loader:
        optimizer.zero_grad()
        criterion(model(x), y).backward()
        clip_grad_norm_(model.parameters(), 1.0, error_if_nonfinite=True)
        optimizer.step()


def norm_skips(model, loader, optimizer, criterion):
    for x, y in loader:
        optimizer.zero_grad()
        criterion(model(x), y).backward()
        total = clip_grad_norm_(model.parameters(), 1.0)
        if not torch.isfinite(total):
            optimizer.zero_grad()
            continue
        optimizer.step()


def norm_permits(model, loader, optimizer, criterion):
    for x, y in loader:
        optimizer.zero_grad()
        criterion(model(x), y).backward()
        norm = clip_grad_norm_(model.parameters(), 1.0)
        if not (norm.isnan() or norm.isinf()):
            optimizer.step()


def each_gradient(model, loader, optimizer, criterion):
    for x, y in loader:
        optimizer.zero_grad()
        criterion(model(x), y).backward()
        if any(p.grad is not None and not torch.isfinite(p.grad).all() for p in model.parameters()):
            continue
        optimizer.step()
