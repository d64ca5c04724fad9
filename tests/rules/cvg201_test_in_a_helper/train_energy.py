"""Its loss goes through the helper that only prints."""

from checks import warn_if_not_finite


def train_energy(energy, loader, optimizer):
    for step, (real, fake) in enumerate(loader):
        loss = (energy(real) - energy(fake)).mean()
        warn_if_not_finite(loss, step)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()  # CVG201
