"""Clearing once every few rounds is right if the step is under the same condition."""


def cleared_with_the_step(model, loader, optimizer, every):
    for i, (x, y) in enumerate(loader):
        ((model(x) - y).pow(2).mean() / every).backward()
        if (i + 1) % every == 0:
            optimizer.step()
            optimizer.zero_grad()


def cleared_before_the_next(model, loader, optimizer, every):
    for i, (x, y) in enumerate(loader):
        if i % every == 0:
            optimizer.zero_grad()
        ((model(x) - y).pow(2).mean() / every).backward()
        if i % every == every - 1:
            optimizer.step()


def stepped_and_never_cleared(model, loader, optimizer, every):
    for i, (x, y) in enumerate(loader):
        ((model(x) - y).pow(2).mean() / every).backward()
        if (i + 1) % every == 0:
            optimizer.step()  # CVG103
