"""Lightning Fabric clips when it is asked to."""

import lightning as L
from torch.nn import functional


def train_bare(fabric: L.Fabric, model, optimizer, loader):
    for tokens, targets in loader:
        logits = model(tokens)
        loss = functional.cross_entropy(logits.flatten(0, 1), targets.flatten())
        fabric.backward(loss)
        optimizer.step()  # CVG101
        optimizer.zero_grad()


def train_clipped(fabric: L.Fabric, model, optimizer, loader):
    for tokens, targets in loader:
        logits = model(tokens)
        loss = functional.cross_entropy(logits.flatten(0, 1), targets.flatten())
        fabric.backward(loss)
        fabric.clip_gradients(model, optimizer, max_norm=1.0)
        optimizer.step()
        optimizer.zero_grad()


def main(model, optimizer, loader):
    fabric = L.Fabric(accelerator="cuda", devices=4)
    fabric.launch()
    model, optimizer = fabric.setup(model, optimizer)
    loader = fabric.setup_dataloaders(loader)
    train_bare(fabric, model, optimizer, loader)
    train_clipped(fabric, model, optimizer, loader)
