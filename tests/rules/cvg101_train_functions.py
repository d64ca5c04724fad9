"""Functions that train: one with nothing, the others with torch's clipping by all its names."""

import torch
import torch.nn.functional as F
from torch import nn


def train_bare(model, loader, optimizer, device):
    model.train()
    total = 0.0
    for images, labels in loader:
        images, labels = images.to(device), labels.to(device)
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()  # CVG101
        total += loss.item()
    return total / len(loader)


def train_by_value(model, loader, optimizer):
    for images, labels in loader:
        optimizer.zero_grad()
        F.cross_entropy(model(images), labels).backward()
        nn.utils.clip_grad_value_(model.parameters(), 0.5)
        optimizer.step()


def train_with_an_old_torch(model, loader, optimizer):
    for images, labels in loader:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images), labels)
        loss.backward()
        torch.nn.utils.clip_grad_norm(model.parameters(), 0.25)
        optimizer.step()


def train_sharded(model, loader, optimizer):
    """FSDP clips by a method of its own."""
    for images, labels in loader:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images), labels)
        loss.backward()
        model.clip_grad_norm_(1.0)
        optimizer.step()
