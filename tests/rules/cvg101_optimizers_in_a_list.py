"""A loop over optimizers."""

import torch


def train_bare(model, loader):
    optimizers = [
        torch.optim.SparseAdam(model.embedding.parameters(), lr=1e-3),
        torch.optim.Adam(model.head.parameters(), lr=1e-4),
    ]
    for batch in loader:
        for optimizer in optimizers:
            optimizer.zero_grad()
        loss = model(batch)
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()  # CVG101


def train_clipped(model, loader):
    optimizers = [
        torch.optim.SparseAdam(model.embedding.parameters(), lr=1e-3),
        torch.optim.Adam(model.head.parameters(), lr=1e-4),
    ]
    for batch in loader:
        loss = model(batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad()
