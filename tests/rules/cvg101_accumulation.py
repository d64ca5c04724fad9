"""Several backward passes for one update; dividing the loss is no clipping."""

import torch


def train_bare(model, loader, optimizer, accumulate=4):
    optimizer.zero_grad()
    for i, batch in enumerate(loader):
        loss = model(batch).mean() / accumulate
        loss.backward()
        if (i + 1) % accumulate == 0:
            optimizer.step()  # CVG101
            optimizer.zero_grad()


def train_clipped(model, loader, optimizer, accumulate=4):
    optimizer.zero_grad()
    for i, batch in enumerate(loader):
        loss = model(batch).mean() / accumulate
        loss.backward()
        if (i + 1) % accumulate == 0 or i + 1 == len(loader):
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()


def train_micro_batches(model, batches, optimizer, accumulate=4):
    for _ in range(1000):
        for _ in range(accumulate):
            loss = model(next(batches)).mean() / accumulate
            loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
