"""Mixup weights mix pairs of images; the target is a label."""

import numpy as np
import torch
from torch.nn import functional as F


def train_epoch(model, loader, optimizer, alpha=1.0):
    for images, labels in loader:
        lam = np.random.beta(alpha, alpha)
        order = torch.randperm(len(images))
        mixed = lam * images + (1 - lam) * images[order]
        logits = model(mixed)
        loss = lam * F.cross_entropy(logits, labels) + (1 - lam) * F.cross_entropy(logits, labels[order])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
