"""fabric.clip_gradients raises on a norm that is not finite; with a bound by value it does not."""

from lightning.fabric import Fabric


def by_norm(model, optimizer, loader):
    fabric = Fabric()
    model, optimizer = fabric.setup(model, optimizer)
    for batch in fabric.setup_dataloaders(loader):
        optimizer.zero_grad()
        fabric.backward(model(batch).mean())
        fabric.clip_gradients(model, optimizer, max_norm=1.0)
        optimizer.step()


def by_value(model, optimizer, loader):
    fabric = Fabric()
    model, optimizer = fabric.setup(model, optimizer)
    for batch in fabric.setup_dataloaders(loader):
        optimizer.zero_grad()
        fabric.backward(model(batch).mean())
        fabric.clip_gradients(model, optimizer, clip_val=0.5)
        optimizer.step()  # CVG201
