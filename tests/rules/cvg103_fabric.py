"""fabric leaves clearing to the loop, and this loop forgets it."""

from lightning.fabric import Fabric


def train(model, optimizer, loader):
    fabric = Fabric()
    model, optimizer = fabric.setup(model, optimizer)
    for batch in fabric.setup_dataloaders(loader):
        loss = model(**batch).loss
        fabric.backward(loss)
        optimizer.step()  # CVG103
